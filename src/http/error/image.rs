//! The error of one image of a request in `/v1`.

use mien_faces::image::ImageErrorKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ApiError, Code};
use crate::{excerpt::bounded, intake::decoder::ImageDecodeError};

/// Maximum number of images whose errors are listed if all images are invalid.
const MAX_LISTED: usize = 8;

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

/// Returns the error of a request whose images are all invalid: their common code, otherwise `invalid_image`.
pub(in crate::http) fn all_failed(problems: &[ImageProblem]) -> ApiError {
    let mut codes = problems.iter().map(|problem| problem.code);
    let first = codes.next().unwrap_or(Code::InvalidImage);
    let code = if codes.all(|code| code == first) {
        first
    } else {
        Code::InvalidImage
    };
    let detail = match problems {
        [only] => only.detail.clone(),
        many => {
            let listed = many.iter().enumerate().take(MAX_LISTED);
            let each = listed.map(|(i, problem)| format!("{i}: {}", problem.detail));
            let each: Vec<String> = each.collect();
            let more = match many.len().saturating_sub(MAX_LISTED) {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            format!(
                "none of the {} images can be decoded: {}{more}",
                many.len(),
                each.join("; ")
            )
        }
    };
    ApiError::new(code, detail)
}
