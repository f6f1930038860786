//! Runs a model: images in, one probability per label out.
//!
//! [`Classifier`] separates the server from ONNX Runtime. [`onnx`] implements it; the tests of
//! [`batching`](crate::batching) use a fake.

pub mod agreement;
pub mod engine;
pub mod ensemble;
mod labels;
pub mod onnx;
mod probabilities;
pub mod runtime;
pub mod signature;

use mien_faces::image::Face;

pub use labels::{Labels, LabelsError};
pub use probabilities::Probabilities;

/// The input of a model for one image.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Gray levels from 0 to 255. For float models they are scaled as [`signature::InputScaling`] says.
    Face(Face),
    /// Values for a float model, row by row, which the graph gets unchanged.
    Tensor(Box<[f32]>),
}

impl From<Face> for Input {
    fn from(face: Face) -> Self {
        Self::Face(face)
    }
}

/// The result of a model for one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// A distribution over the labels.
    pub probabilities: Probabilities,
    /// The raw values of all [`signature::Signature::outputs`], concatenated.
    pub outputs: Box<[f32]>,
}

/// A loaded model. It belongs to one worker thread, so it may keep buffers between calls.
pub trait Classifier: Send {
    /// Returns one result per input, in order. A result is an error if the model's output for that input is not a
    /// distribution over the labels.
    ///
    /// # Errors
    /// Returns an error if the runtime fails. The classifier can be used again afterwards.
    fn classify(
        &mut self,
        inputs: &[Input],
    ) -> Result<Vec<Result<Prediction, InferenceError>>, InferenceError>;
}

/// A loaded model of any kind that workers of [`batching`](crate::batching) run.
pub trait Model: Send {
    /// One image for the model.
    type Input: Clone + Send + Sync;
    /// The result of one image.
    type Output: Send;

    /// Returns one result per input, in order.
    ///
    /// # Errors
    /// Returns an error if the runtime fails. The model can be used again afterwards.
    fn infer(
        &mut self,
        inputs: &[Self::Input],
    ) -> Result<Vec<Result<Self::Output, InferenceError>>, InferenceError>;
}

impl Model for dyn Classifier + '_ {
    type Input = Input;
    type Output = Prediction;

    fn infer(
        &mut self,
        inputs: &[Input],
    ) -> Result<Vec<Result<Prediction, InferenceError>>, InferenceError> {
        self.classify(inputs)
    }
}

/// Why a model could not be loaded or run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InferenceError {
    /// ONNX Runtime is missing or too old, or does not support the requested device.
    #[error("{0}")]
    Runtime(String),
    /// The files do not contain a model that can be served.
    #[error("{0}")]
    Model(String),
    /// An inference call failed.
    #[error("the model failed: {0}")]
    Run(String),
    /// An inference call exceeded its time limit and was terminated.
    #[error("{0}")]
    Timeout(String),
    /// The output is not a distribution over the labels.
    #[error("the model returned an invalid output: {0}")]
    Output(String),
}

/// Returns the error of a model that cannot be served, with the reason.
pub(crate) fn invalid_model<T>(reason: impl Into<String>) -> Result<T, InferenceError> {
    Err(InferenceError::Model(reason.into()))
}
