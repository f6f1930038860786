//! The error of one image of a request in `/v1`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, Code};
use crate::intake::decoder::{DecoderError, ImageDecodeError};

/// Why one of several images was not classified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct ImageProblem {
    /// `invalid_image` or `too_large`.
    pub(super) code: Code,
    /// Description of the error.
    pub(super) detail: String,
}

impl From<ImageDecodeError> for ImageProblem {
    fn from(error: ImageDecodeError) -> Self {
        let code = if error.is_too_large() {
            Code::TooLarge
        } else {
            Code::InvalidImage
        };
        Self {
            code,
            detail: error.to_string(),
        }
    }
}

impl From<DecoderError> for ApiError {
    fn from(error: DecoderError) -> Self {
        Self::internal(error)
    }
}
