//! What a model does, free of any runtime: faces in, a probability for each label out.
//!
//! [`Classifier`] is the one seam of the server: [`onnx`] implements it for real, the tests of
//! [`batching`](crate::batching) with a fake.

mod labels;
pub mod onnx;
mod probabilities;
pub mod runtime;
pub mod signature;

use mien_faces::image::Face;

pub use labels::{Labels, LabelsError};
pub use probabilities::Probabilities;

/// A loaded model. It belongs to one worker thread, so it may keep buffers between calls.
pub trait Classifier: Send {
    /// One answer for each face, in the order of the faces.
    ///
    /// # Errors
    /// When the runtime fails or gives something that is no distribution over the labels. The
    /// classifier can be used again afterwards.
    fn classify(&mut self, faces: &[Face]) -> Result<Vec<Probabilities>, InferenceError>;
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
