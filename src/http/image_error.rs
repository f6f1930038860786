//! What is wrong with one picture of several, as `/v1` tells it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, Code};
use crate::intake::decoder::{DecoderError, ImageDecodeError};

/// Why one picture of several has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct ImageProblem {
    /// `invalid_image` or `too_large`.
    pub(super) code: Code,
    /// What is wrong with the picture.
    pub(super) detail: String,
}

impl From<ImageDecodeError> for ImageProblem {
    fn from(error: ImageDecodeError) -> Self {
        let code = if error.is_too_large() { Code::TooLarge } else { Code::InvalidImage };
        Self { code, detail: error.to_string() }
    }
}

impl From<DecoderError> for ApiError {
    fn from(error: DecoderError) -> Self {
        Self::internal(error)
    }
}
