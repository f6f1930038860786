//! Which outputs of a model are served, and which of them is the answer.

use super::{Element, OutputKind, Port};
use crate::inference::InferenceError;
use crate::inference::invalid_model;

/// An output of shape `[N, columns]`, float32 or float16.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name in the graph.
    pub name: String,
    /// Values an image, at least 1.
    pub columns: usize,
    /// Whether it is float16; it is read as float32.
    pub half: bool,
}

/// The outputs that are served, in the graph's order, the index of the one that is the answer, and what it holds. The
/// answer is the one named like its kind, else the first of the right shape.
pub(super) fn choose(
    ports: &[Port],
    labels: usize,
    kind: Option<OutputKind>,
) -> Result<(Vec<Output>, usize, Option<OutputKind>), InferenceError> {
    let named = |name: &str| ports.iter().find(|port| port.name == name);
    let (port, kind) = match kind {
        None => match (named("probabilities"), named("logits")) {
            (Some(port), _) => (Some(port), Some(OutputKind::Probabilities)),
            (None, Some(port)) => (Some(port), Some(OutputKind::Logits)),
            (None, None) => (None, None),
        },
        Some(OutputKind::Probabilities) => (named("probabilities"), kind),
        Some(OutputKind::Logits) => (named("logits"), kind),
    };
    let Some(answer) = port.or_else(|| ports.iter().find(|port| is_rows(port))) else {
        return invalid_model("it has no float32 or float16 output of shape [N, labels]");
    };
    if !is_rows(answer) {
        return invalid_model(format!(
            "its output `{}` is no float32 or float16 [N, labels]",
            answer.name
        ));
    }
    let classes = answer.shape[1];
    if classes > 0 && usize::try_from(classes) != Ok(labels) {
        return invalid_model(format!(
            "its output has {classes} classes, but {labels} labels are given"
        ));
    }
    let mut outputs = Vec::new();
    let mut index = 0;
    for port in ports.iter().filter(|port| is_rows(port)) {
        let output = |columns| Output {
            name: port.name.clone(),
            columns,
            half: port.element == Some(Element::Float16),
        };
        if port.name == answer.name {
            index = outputs.len();
            outputs.push(output(labels));
        } else if let Ok(columns @ 1..) = usize::try_from(port.shape[1]) {
            outputs.push(output(columns));
        }
    }
    Ok((outputs, index, kind))
}

fn is_rows(port: &Port) -> bool {
    let floats = matches!(port.element, Some(Element::Float32 | Element::Float16));
    floats && port.shape.len() == 2
}
