//! Errors of the decoder.

use crate::image::ImageError;

pub(super) type Result<T> = std::result::Result<T, ImageError>;

/// The file violates the format.
pub(super) fn invalid(detail: &str) -> ImageError {
    ImageError::Invalid {
        format: "JPEG",
        detail: detail.to_owned(),
    }
}

/// A pixel is missing.
pub(super) fn truncated() -> ImageError {
    invalid("the file is truncated")
}

/// The file may be valid, but this decoder does not implement the feature.
pub(super) fn unsupported(feature: impl Into<String>) -> ImageError {
    ImageError::UnsupportedKind {
        format: "JPEG",
        feature: feature.into(),
    }
}
