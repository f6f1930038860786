//! The accepted image formats.

use image::ImageFormat;

/// An accepted image format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    WebP,
    Bmp,
    Gif,
}

impl Format {
    /// Returns the format that the first bytes indicate, or `None` if it is not accepted.
    pub(crate) fn detect(bytes: &[u8]) -> Option<Self> {
        let detected = image::guess_format(bytes).ok()?;
        let formats = [Self::Jpeg, Self::Png, Self::WebP, Self::Bmp, Self::Gif];
        formats
            .into_iter()
            .find(|format| format.codec() == detected)
    }

    pub(super) fn codec(self) -> ImageFormat {
        match self {
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Png => ImageFormat::Png,
            Self::WebP => ImageFormat::WebP,
            Self::Bmp => ImageFormat::Bmp,
            Self::Gif => ImageFormat::Gif,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
            Self::Gif => "GIF",
        }
    }
}
