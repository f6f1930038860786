//! What a model does, free of any runtime: images in, a probability for each label out.
//!
//! [`Classifier`] is the one seam of the server: [`onnx`] implements it for real, the tests of
//! [`batching`](crate::batching) with a fake.

pub mod ensemble;
mod labels;
pub mod onnx;
mod probabilities;
pub mod runtime;
pub mod signature;

use mien_faces::image::Face;

pub use labels::{Labels, LabelsError};
pub use probabilities::Probabilities;

/// One image as a model takes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Gray, 0 to 255; a float model gets it scaled by its [`signature::Feeding`].
    Face(Face),
    /// The values of a float model's own input, as its graph takes them, row by row.
    Tensor(Box<[f32]>),
}

impl From<Face> for Input {
    fn from(face: Face) -> Self {
        Self::Face(face)
    }
}

/// What a model says about one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// A distribution over the labels.
    pub probabilities: Probabilities,
    /// The raw values of each of [`signature::Signature::outputs`], one after the other.
    pub outputs: Box<[f32]>,
}

/// A loaded model. It belongs to one worker thread, so it may keep buffers between calls.
pub trait Classifier: Send {
    /// One answer for each input, in their order; an error in the place of one whose output is no distribution over the
    /// labels.
    ///
    /// # Errors
    /// When the runtime fails. The classifier can be used again afterwards.
    fn classify(
        &mut self,
        inputs: &[Input],
    ) -> Result<Vec<Result<Answer, InferenceError>>, InferenceError>;
}

/// Why a model could not be loaded or run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InferenceError {
    /// ONNX Runtime is missing, too old, or lacks the device that was asked for.
    #[error("{0}")]
    Runtime(String),
    /// The file is no model that can be served.
    #[error("{0}")]
    Model(String),
    /// A run failed.
    #[error("the model failed: {0}")]
    Run(String),
    /// A run gave something that is no distribution over the labels.
    #[error("the model gave an unfit output: {0}")]
    Output(String),
}

/// Returns the error of a model that cannot be served, for this reason.
pub(crate) fn invalid_model<T>(reason: impl Into<String>) -> Result<T, InferenceError> {
    Err(InferenceError::Model(reason.into()))
}
