//! Makes a trained network smaller without changing what it answers: dropout goes, and a batch normalisation that
//! alone reads a convolution becomes part of it (Jacob et al. 2018, section 3.2, equation 14).
//!
//! A normalisation *before* its convolution (pre-activation) stays: a ReLU or zero padding stands between them.

use std::collections::HashMap;

use super::{error::WriteError, writer::Values};
use crate::arch::{
    builder::GraphBuilder,
    graph::{Graph, Node, NodeId},
    op::Op,
    parameter::{self, Role},
};

/// What becomes of a network's batch normalisations in a model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fusing {
    /// Those that can be are folded into their convolutions.
    Fused,
    /// All stay: the file holds every value that was trained.
    Kept,
}

impl Fusing {
    /// The network and values to write.
    ///
    /// # Errors
    /// As [`fuse`].
    pub fn apply(self, graph: &Graph, values: Values) -> Result<(Graph, Values), WriteError> {
        match self {
            Self::Fused => fuse(graph, &values),
            Self::Kept => Ok((graph.clone(), values)),
        }
    }

    /// What a `--no-fuse` on the command line means.
    pub fn unless(no_fuse: bool) -> Self {
        if no_fuse { Self::Kept } else { Self::Fused }
    }
}

/// The network of fewer operations, with its values.
///
/// # Errors
/// Where values are missing, or the graph does not fit together.
pub fn fuse(graph: &Graph, values: &Values) -> Result<(Graph, Values), WriteError> {
    let folded = folded(graph);
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

/// For each node, where it is a batch normalisation that can be folded, the position of its convolution.
fn folded(graph: &Graph) -> Vec<Option<usize>> {
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

/// `gamma (w x + b - mean) / sqrt(variance + epsilon) + beta` as one convolution, computed in double precision.
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
mod tests {
    use super::*;
    use crate::arch::catalog::{self, Options};

    fn values(graph: &Graph) -> Values {
        let parameters = parameter::list(graph).unwrap();
        parameters
            .into_iter()
            .map(|p| (p.name.clone(), vec![0.5; p.len()]))
            .collect()
    }

    /// Batch normalisations that are left.
    fn norms(graph: &Graph) -> usize {
        graph
            .nodes()
            .iter()
            .filter(|node| matches!(node.op, Op::BatchNorm { .. }))
            .count()
    }

    #[test]
    fn a_normalisation_goes_where_it_alone_reads_a_convolution() {
        // ResNet v1: each; v2: all but those of sums (one a block but the first, and the last); DenseNet: the second
        // of each bottleneck.
        for (name, before, after) in [
            ("resnet-8-v1", 7, 0),
            ("resnet-11-v2", 10, 3),
            ("densenet-20-4-c05-b2", 18, 10),
        ] {
            let graph = catalog::build(name).unwrap();
            let (fused, values) = fuse(&graph, &values(&graph)).unwrap();
            assert_eq!((norms(&graph), norms(&fused)), (before, after), "{name}");
            let left = parameter::list(&fused).unwrap();
            assert_eq!(left.len(), values.len(), "{name}: no value is left over");
        }
    }

    #[test]
    fn training_only_operations_leave_no_trace() {
        let dropout = Options {
            dropout: 0.2,
            ..Options::default()
        };
        let depth = Options {
            stochastic_depth: 0.2,
            ..Options::default()
        };
        for (name, options) in [
            ("densenet-20-4-c05-b2", dropout),
            ("resnet-8-v1", depth),
            ("resnet-11-v2", depth),
            ("resnet-d-8-8x1-16x2", depth),
        ] {
            let plain = catalog::build(name).unwrap();
            let training = catalog::build_with(name, &options).unwrap();
            assert_ne!(training, plain, "{name}");
            let values = values(&plain);
            assert_eq!(
                fuse(&training, &values).unwrap(),
                fuse(&plain, &values).unwrap()
            );
        }
    }

    #[test]
    fn the_folded_kernel_is_scaled_and_the_bias_moved() {
        let graph = catalog::build("resnet-8-v1").unwrap();
        let mut values = values(&graph);
        values.insert("stem.bn.mean".to_owned(), vec![2.0; 16]);
        values.insert("stem.bn.variance".to_owned(), vec![3.999; 16]);
        let (_, fused) = fuse(&graph, &values).unwrap();
        // 0.5 * 0.5 / sqrt(3.999 + 0.001); (0.5 - 2) * 0.25 + 0.5
        assert!(
            fused["stem.conv.weight"]
                .iter()
                .all(|weight| (weight - 0.125).abs() < 1e-7)
        );
        assert!(
            fused["stem.conv.bias"]
                .iter()
                .all(|bias| (bias - 0.125).abs() < 1e-7)
        );
        values.remove("stem.bn.mean");
        assert!(fuse(&graph, &values).is_err());
    }
}
