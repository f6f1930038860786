//! Selects the outputs of a model that are served, and the one with the prediction.

use super::{ElementType, OutputKind, TensorInfo};
use crate::inference::{InferenceError, invalid_model};

/// An output of shape `[N, columns]`, float32 or float16.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Name in the graph.
    pub name: String,
    /// Number of values per image, at least 1.
    pub columns: usize,
    /// Whether the output is float16. Its values are converted to float32.
    pub is_fp16: bool,
}

/// Returns the outputs that are served, in the order of the graph, the index of the one with the prediction, and its kind.
/// The prediction is in the output with the name of the kind, otherwise in the first output of the right shape.
pub(super) fn select(
    tensors: &[TensorInfo],
    labels: usize,
    kind: Option<OutputKind>,
) -> Result<(Vec<Output>, usize, Option<OutputKind>), InferenceError> {
    let named = |name: &str| tensors.iter().find(|tensor| tensor.name == name);
    let (tensor, kind) = match kind {
        None => match (named("probabilities"), named("logits")) {
            (Some(tensor), _) => (Some(tensor), Some(OutputKind::Probabilities)),
            (None, Some(tensor)) => (Some(tensor), Some(OutputKind::Logits)),
            (None, None) => (None, None),
        },
        Some(OutputKind::Probabilities) => (named("probabilities"), kind),
        Some(OutputKind::Logits) => (named("logits"), kind),
    };
    let Some(prediction) = tensor.or_else(|| tensors.iter().find(|tensor| is_matrix(tensor)))
    else {
        return invalid_model("it has no float32 or float16 output of shape [N, labels]");
    };
    if !is_matrix(prediction) {
        return invalid_model(format!(
            "its output `{}` must be float32 or float16 of shape [N, labels]",
            prediction.name
        ));
    }
    let classes = prediction.shape[1];
    if classes > 0 && usize::try_from(classes) != Ok(labels) {
        return invalid_model(format!(
            "its output has {classes} classes, but {labels} labels are given"
        ));
    }
    let mut outputs = Vec::new();
    let mut index = 0;
    for tensor in tensors.iter().filter(|tensor| is_matrix(tensor)) {
        let output = |columns| Output {
            name: tensor.name.clone(),
            columns,
            is_fp16: tensor.element == Some(ElementType::Float16),
        };
        if tensor.name == prediction.name {
            index = outputs.len();
            outputs.push(output(labels));
        } else if let Ok(columns @ 1..) = usize::try_from(tensor.shape[1]) {
            outputs.push(output(columns));
        }
    }
    Ok((outputs, index, kind))
}

/// Returns whether a tensor has a row of float values per image.
fn is_matrix(tensor: &TensorInfo) -> bool {
    let is_float = matches!(
        tensor.element,
        Some(ElementType::Float32 | ElementType::Float16)
    );
    is_float && tensor.shape.len() == 2
}
