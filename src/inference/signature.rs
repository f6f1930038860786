//! Derives how to run a model from its inputs and outputs, or why it cannot be served. Does not use the runtime.

mod outputs;

use serde::Deserialize;

pub use self::outputs::Output;
use super::{InferenceError, invalid_model};

/// The element type of a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElementType {
    /// Gray levels from 0 to 255, unchanged.
    Uint8,
    /// Gray levels that are scaled by the model's [`InputScaling`].
    Float32,
    /// Scaled gray levels, rounded to 11 bits.
    Float16,
    /// Another type, by its name.
    Other(String),
}

/// An input or output as the model file declares it. A dimension below 1 is variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// Name in the graph.
    pub name: String,
    /// Element type; `None` if the value is not a tensor.
    pub element: Option<ElementType>,
    /// Dimensions.
    pub shape: Vec<i64>,
}

/// The content of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputKind {
    /// Distributions over the labels.
    Probabilities,
    /// Logits, which a softmax converts to a distribution.
    Logits,
}

/// Scaling of gray levels for float models: `(gray * scale - mean) / std`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InputScaling {
    /// Default 1/255.
    pub scale: f32,
    /// In units of the scaled gray; default 0.
    pub mean: f32,
    /// In units of the scaled gray; default 1.
    pub std: f32,
}

impl Default for InputScaling {
    fn default() -> Self {
        Self {
            scale: 1.0 / 255.0,
            mean: 0.0,
            std: 1.0,
        }
    }
}

/// The input and outputs of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    /// Name of the input.
    pub input: String,
    /// Shape of the input with 1 as the batch size, which is the first dimension.
    pub shape: Vec<usize>,
    /// `None` for a uint8 input, which takes unscaled gray levels.
    pub scaling: Option<InputScaling>,
    /// Whether the input is float16. Values are given as float32 and rounded when they are copied.
    pub is_fp16: bool,
    /// Rows and columns of a face.
    pub side: usize,
    /// The batch size of a model with a fixed batch axis.
    pub fixed_batch: Option<usize>,
    /// The float outputs of shape `[N, columns]`, in the order of the graph.
    pub outputs: Vec<Output>,
    /// Index of the output with one value per label.
    pub prediction: usize,
    /// Content of that output; `None` if the warm-up has to detect it.
    pub kind: Option<OutputKind>,
}

impl Signature {
    /// Checks whether a model with these inputs and outputs can be served.
    ///
    /// # Errors
    /// Returns the reason and, if there is one, the remedy.
    pub fn new(
        inputs: &[TensorInfo],
        outputs: &[TensorInfo],
        labels: usize,
        scaling: Option<InputScaling>,
        kind: Option<OutputKind>,
    ) -> Result<Self, InferenceError> {
        let [input] = inputs else {
            return invalid_model(format!(
                "it has {} inputs; exactly one is required",
                inputs.len()
            ));
        };
        let scaling = match (&input.element, scaling) {
            (Some(ElementType::Float32 | ElementType::Float16), scaling) => {
                Some(scaling.unwrap_or_default())
            }
            (Some(ElementType::Uint8), None) => None,
            (Some(ElementType::Uint8), Some(_)) => {
                return invalid_model(
                    "`scale`, `mean` and `std` in mien.toml do not apply, because its input is uint8",
                );
            }
            (Some(ElementType::Other(name)), _) => {
                return invalid_model(format!(
                    "its input is {name}; it must be uint8, float32 or float16"
                ));
            }
            (None, _) => return invalid_model("its input is not a tensor"),
        };
        let (side, shape) = square(&input.shape)?;
        let (outputs, prediction, kind) = outputs::select(outputs, labels, kind)?;
        Ok(Self {
            input: input.name.clone(),
            shape,
            scaling,
            is_fp16: input.element == Some(ElementType::Float16),
            side,
            fixed_batch: input
                .shape
                .first()
                .and_then(|&n| usize::try_from(n).ok())
                .filter(|&n| n > 0),
            outputs,
            prediction,
            kind,
        })
    }

    /// Returns the length of [`Prediction::outputs`](super::Prediction).
    pub fn output_values(&self) -> usize {
        self.outputs.iter().map(|output| output.columns).sum()
    }

    /// Returns the dimensions of the input as text, with `N` for a variable batch size.
    pub fn layout(&self) -> Vec<String> {
        let batch = self
            .fixed_batch
            .map_or_else(|| "N".to_owned(), |n| n.to_string());
        let rest = self.shape.iter().skip(1).map(usize::to_string);
        std::iter::once(batch).chain(rest).collect()
    }
}

/// Returns the side and the shape (with batch size 1) of an NCHW, NHWC or NHW input of square gray faces. With one channel
/// the three layouts have the same bytes in the same order.
fn square(shape: &[i64]) -> Result<(usize, Vec<usize>), InferenceError> {
    let (rows, columns) = match *shape {
        [_, rows, columns] | [_, 1, rows, columns] | [_, rows, columns, 1] => (rows, columns),
        [_, _, _, _] => {
            return invalid_model(format!(
                "its input has the shape {shape:?}; it must have one gray channel"
            ));
        }
        _ => {
            return invalid_model(format!(
                "its input has the shape {shape:?}; it must be [N,1,S,S], [N,S,S,1] or [N,S,S]"
            ));
        }
    };
    // Decoded images are resized with 16-bit sides.
    let side = |n: i64| u16::try_from(n).ok().filter(|&n| n > 0).map(usize::from);
    let (Some(side), Some(width)) = (side(rows), side(columns)) else {
        return invalid_model(format!(
            "its input has the shape {shape:?}; height and width must be fixed numbers"
        ));
    };
    if side != width {
        return invalid_model(format!(
            "its input has {side}x{width} pixels; it must be a square"
        ));
    }
    let mut shape: Vec<usize> = shape
        .iter()
        .map(|&n| usize::try_from(n).unwrap_or(1))
        .collect();
    shape[0] = 1;
    Ok((side, shape))
}

#[cfg(test)]
mod tests;
