//! Finds for each layer of a network the Keras layer with the same operation and operands.
//!
//! Both models are value-numbered (hash consing): two operations have the same number if and only if they are of the same
//! kind and their operands have the same numbers. The order of the operands of a sum is ignored. Within a network of the
//! catalogue, all layers have different numbers.

use std::collections::HashMap;

use super::{config::Model, error::KerasError, signature::Kind};
use crate::arch::graph::Graph;

/// A layer of the network with the Keras layer that contains its weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    /// The node's name in the network.
    pub(super) node: String,
    /// The layer's name in the file.
    pub(super) layer: String,
}

/// The first layer that differs.
#[derive(Debug)]
pub(super) struct Mismatch {
    /// Number of nodes of the network before this layer.
    pub(super) matched: usize,
    layer: String,
    expected: String,
    found: String,
}

impl Mismatch {
    pub(super) fn of(self, architecture: &str) -> KerasError {
        let Self {
            matched: _,
            layer,
            expected,
            found,
        } = self;
        KerasError::Layer {
            architecture: architecture.to_owned(),
            layer,
            expected,
            found,
        }
    }
}

/// Numbers of all operations so far, by kind and operands.
#[derive(Default)]
struct ValueNumbering(HashMap<(Kind, Vec<usize>), usize>);

impl ValueNumbering {
    fn of(&mut self, kind: &Kind, mut operands: Vec<usize>) -> usize {
        if *kind == Kind::Add {
            operands.sort_unstable();
        }
        let next = self.0.len();
        *self.0.entry((kind.clone(), operands)).or_insert(next)
    }
}

/// Pairs all layers of a network with the model's.
///
/// # Errors
/// Returns the first layer, in the network's order, that is missing in the model.
pub(super) fn pair(graph: &Graph, model: &Model) -> Result<Vec<Pair>, Mismatch> {
    let mut numbers = ValueNumbering::default();
    let mut theirs: Vec<usize> = Vec::with_capacity(model.nodes.len());
    for node in &model.nodes {
        let operands = node.inputs.iter().map(|&input| theirs[input]).collect();
        theirs.push(numbers.of(&node.kind, operands));
    }
    let holder: HashMap<usize, usize> = theirs
        .iter()
        .enumerate()
        .map(|(position, &number)| (number, position))
        .collect();

    let mut ours: Vec<usize> = Vec::with_capacity(graph.nodes().len());
    let mut pairs = Vec::new();
    for (matched, node) in graph.nodes().iter().enumerate() {
        let operands: Vec<usize> = node.inputs.iter().map(|id| ours[id.index()]).collect();
        let Some(kind) = Kind::of(&node.op) else {
            ours.push(operands[0]);
            continue;
        };
        let number = numbers.of(&kind, operands.clone());
        let Some(&position) = holder.get(&number) else {
            let found = readers(model, &theirs, &operands);
            return Err(Mismatch {
                matched,
                layer: node.name.clone(),
                expected: kind.to_string(),
                found,
            });
        };
        ours.push(number);
        pairs.push(Pair {
            node: node.name.clone(),
            layer: model.nodes[position].layer.clone(),
        });
    }
    if ours.last() == Some(&theirs[model.logits]) {
        return Ok(pairs);
    }
    let output = &model.nodes[model.logits];
    Err(Mismatch {
        matched: ours.len(),
        layer: "the output".to_owned(),
        expected: "the logits or their softmax".to_owned(),
        found: format!("{} (`{}`)", output.kind, output.layer),
    })
}

/// Describes the operations of the model that read these operands.
fn readers(model: &Model, theirs: &[usize], operands: &[usize]) -> String {
    let same = |inputs: &[usize]| {
        inputs
            .iter()
            .map(|&input| theirs[input])
            .eq(operands.iter().copied())
    };
    let found: Vec<String> = (model.nodes.iter())
        .filter(|node| same(&node.inputs))
        .map(|node| format!("{} (`{}`)", node.kind, node.layer))
        .collect();
    if found.is_empty() {
        "no layer with the same operands".to_owned()
    } else {
        found.join(" and ")
    }
}
