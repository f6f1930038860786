//! The error of one image of a request in `/v1`.

use mien_faces::image::ImageErrorKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Code;
use crate::{excerpt::bounded, intake::decoder::ImageDecodeError};

/// Why one of several images was not classified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(in crate::http) struct ImageProblem {
    /// `invalid_image`, `unsupported` or `too_large`.
    pub(in crate::http) code: Code,
    /// Description of the error.
    pub(in crate::http) detail: String,
}

impl From<ImageDecodeError> for ImageProblem {
    fn from(error: ImageDecodeError) -> Self {
        let code = match error.kind() {
            ImageErrorKind::Invalid => Code::InvalidImage,
            ImageErrorKind::Unsupported => Code::Unsupported,
            ImageErrorKind::TooLarge => Code::TooLarge,
        };
        Self {
            code,
            detail: bounded(error.to_string()),
        }
    }
}
