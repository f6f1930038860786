//! Why an image cannot be decoded.

/// The result of reading an image.
pub(super) type Result<T> = std::result::Result<T, ImageError>;

/// Why an image cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The file is empty.
    #[error("the image is empty: 0 bytes; send the content of an image file")]
    Empty,
    /// The first bytes do not indicate an image format.
    #[error("not an image in a supported format; send JPEG, PNG, WebP, BMP or GIF")]
    NotAnImage,
    /// The first bytes indicate a format that is not accepted.
    #[error("{format} images are not supported; {remedy}")]
    UnsupportedFormat {
        /// Name of the format.
        format: &'static str,
        /// How to get an accepted image.
        remedy: &'static str,
    },
    /// The format is accepted, but the file uses a feature that the decoder does not implement.
    #[error(
        "this kind of {format} is not supported: {feature}; save the image as PNG or baseline JPEG"
    )]
    UnsupportedKind {
        /// The format that the first bytes indicate.
        format: &'static str,
        /// The feature.
        feature: String,
    },
    /// The content is invalid or truncated.
    #[error("invalid {format} image: {detail}")]
    Invalid {
        /// The format that the first bytes indicate.
        format: &'static str,
        /// Why the content is invalid.
        detail: String,
    },
    /// The image has more pixels than the limit.
    #[error("{width}x{height} pixels exceed the limit of {max_pixels}; send a smaller image")]
    TooManyPixels {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// The limit.
        max_pixels: u64,
    },
    /// A side of the image is longer than the limit.
    #[error(
        "{width}x{height} pixels exceed the limit of {max_side} per side; send a smaller image"
    )]
    SideTooLong {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// The limit.
        max_side: u32,
    },
    /// One side of the image is much longer than the other.
    #[error(
        "the sides of {width}x{height} pixels differ by more than a factor of {max_ratio}; crop the image to a face"
    )]
    TooNarrow {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// Maximum ratio of the longer to the shorter side.
        max_ratio: u32,
    },
    /// Decoding would take more memory than the limit.
    #[error(
        "decoding this {format} of {width}x{height} pixels takes {} MiB, the limit is {} MiB; send a smaller image or a baseline JPEG",
        memory >> 20,
        max_memory >> 20
    )]
    TooMuchMemory {
        /// The format that the first bytes indicate.
        format: &'static str,
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes that decoding would take.
        memory: u64,
        /// The limit in bytes.
        max_memory: u64,
    },
}

/// Classes of errors that clients handle differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageErrorKind {
    /// The bytes are not a complete and valid image.
    Invalid,
    /// The file may be valid, but its format or kind is not supported.
    Unsupported,
    /// The image exceeds a limit.
    TooLarge,
}

impl ImageError {
    /// Returns the class of the error.
    pub fn kind(&self) -> ImageErrorKind {
        match self {
            Self::Empty | Self::NotAnImage | Self::Invalid { .. } => ImageErrorKind::Invalid,
            Self::UnsupportedFormat { .. } | Self::UnsupportedKind { .. } => {
                ImageErrorKind::Unsupported
            }
            Self::TooManyPixels { .. }
            | Self::SideTooLong { .. }
            | Self::TooNarrow { .. }
            | Self::TooMuchMemory { .. } => ImageErrorKind::TooLarge,
        }
    }
}
