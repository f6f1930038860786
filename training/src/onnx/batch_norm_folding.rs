//! Folds batch normalisations into convolutions, and removes operations that only act in training. The outputs of the
//! network do not change.
//!
//! A batch normalisation is folded if it is the only reader of a convolution (Jacob et al. 2018, section 3.2, equation 14).
//! A normalisation before its convolution (pre-activation) is kept, because a ReLU or zero padding lies between them.

use std::collections::HashMap;

use super::{error::WriteError, writer::Values};
use crate::arch::{
    builder::GraphBuilder,
    graph::{Graph, Node, NodeId},
    op::Op,
    parameter::{self, Role},
};

/// Whether a model file contains folded batch normalisations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchNormFolding {
    /// Fold batch normalisations into their convolutions where possible.
    Fold,
    /// Keep all batch normalisations, so that the file contains every trained value.
    Keep,
}

impl BatchNormFolding {
    /// Returns the network and values to write.
    ///
    /// # Errors
    /// Returns the errors of [`fold_batch_norms`].
    pub fn apply(self, graph: &Graph, values: Values) -> Result<(Graph, Values), WriteError> {
        match self {
            Self::Fold => fold_batch_norms(graph, &values),
            Self::Keep => Ok((graph.clone(), values)),
        }
    }

    /// Converts the command line flag `--no-fuse`.
    pub fn unless(no_fuse: bool) -> Self {
        if no_fuse { Self::Keep } else { Self::Fold }
    }
}

/// Returns the network without foldable batch normalisations and training-only operations, with its values.
///
/// # Errors
/// Returns an error if values are missing, or the shapes of the graph are inconsistent.
pub fn fold_batch_norms(graph: &Graph, values: &Values) -> Result<(Graph, Values), WriteError> {
    let folded = foldable(graph);
    let mut values = values.clone();
    let mut new: Vec<NodeId> = Vec::with_capacity(graph.nodes().len());
    let (mut builder, image) = GraphBuilder::new(graph.name(), graph.side());
    for (index, node) in graph.nodes().iter().enumerate() {
        let inputs: Vec<NodeId> = node.inputs.iter().map(|id| new[id.index()]).collect();
        let id = match (&node.op, &inputs[..]) {
            (Op::Input, _) => image,
            (op, &[operand]) if op.acts_in_training_only() => operand,
            (&Op::BatchNorm { epsilon, .. }, &[conv]) if folded[index].is_some() => {
                fold(
                    &mut values,
                    &graph.inference_source(node.inputs[0]).name,
                    &node.name,
                    epsilon,
                )?;
                conv
            }
            (
                &Op::Conv {
                    filters,
                    kernel,
                    stride,
                    padding,
                    ..
                },
                _,
            ) if folded.contains(&Some(index)) => {
                let op = Op::Conv {
                    filters,
                    kernel,
                    stride,
                    padding,
                    bias: true,
                };
                builder.add(node.name.clone(), op, &inputs)
            }
            (op, _) => builder.add(node.name.clone(), op.clone(), &inputs),
        };
        new.push(id);
    }
    Ok((builder.finish()?, values))
}

/// Returns for each node the index of its convolution if the node is a batch normalisation that can be folded.
fn foldable(graph: &Graph) -> Vec<Option<usize>> {
    let mut readers: HashMap<&str, usize> = HashMap::new();
    for node in graph
        .nodes()
        .iter()
        .filter(|node| !node.op.acts_in_training_only())
    {
        for &id in &node.inputs {
            *readers.entry(&graph.inference_source(id).name).or_default() += 1;
        }
    }
    let positions: HashMap<&str, usize> = graph
        .nodes()
        .iter()
        .enumerate()
        .map(|(at, node)| (node.name.as_str(), at))
        .collect();
    let conv_of = |node: &Node| match (&node.op, &node.inputs[..]) {
        (Op::BatchNorm { .. }, &[operand]) => {
            let conv = graph.inference_source(operand);
            let alone = readers.get(conv.name.as_str()) == Some(&1);
            (alone && matches!(conv.op, Op::Conv { .. })).then(|| positions[conv.name.as_str()])
        }
        _ => None,
    };
    graph.nodes().iter().map(conv_of).collect()
}

/// Replaces `gamma (w x + b - mean) / sqrt(variance + epsilon) + beta` by one convolution, computed in double precision.
fn fold(values: &mut Values, conv: &str, norm: &str, epsilon: f64) -> Result<(), WriteError> {
    let mut take = |role| {
        values
            .remove(&parameter::name(norm, role))
            .unwrap_or_default()
    };
    let [gamma, beta, mean, variance] =
        [Role::Gamma, Role::Beta, Role::Mean, Role::Variance].map(&mut take);
    let channels = gamma.len();
    let bias = values.remove(&parameter::name(conv, Role::Bias));
    let bias = bias.unwrap_or_else(|| vec![0.0; channels]);
    let name = parameter::name(conv, Role::ConvWeight);
    let kernel = values
        .get_mut(&name)
        .filter(|kernel| kernel.len().is_multiple_of(channels.max(1)));
    for array in [&beta, &mean, &variance, &bias] {
        if array.len() != channels || channels == 0 {
            let (expected, found) = (channels, array.len());
            return Err(WriteError::Values {
                name: norm.to_owned(),
                expected,
                found,
            });
        }
    }
    let Some(kernel) = kernel else {
        return Err(WriteError::Values {
            name,
            expected: channels,
            found: 0,
        });
    };
    let window = kernel.len() / channels;
    let mut folded = Vec::with_capacity(channels);
    for (channel, filter) in kernel.chunks_mut(window.max(1)).enumerate() {
        let at = |array: &[f32]| f64::from(array[channel]);
        let scale = at(&gamma) / (at(&variance) + epsilon).sqrt();
        for weight in filter {
            *weight = (f64::from(*weight) * scale) as f32;
        }
        folded.push(((at(&bias) - at(&mean)) * scale + at(&beta)) as f32);
    }
    values.insert(parameter::name(conv, Role::Bias), folded);
    Ok(())
}

#[cfg(test)]
mod tests;
