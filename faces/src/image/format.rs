//! Image formats, which the first bytes of a file indicate.

use super::{ImageError, Raster};

/// An accepted image format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    WebP,
    Bmp,
    Gif,
}

/// First bytes of formats that are not accepted.
const UNSUPPORTED: [(&[u8], &str); 6] = [
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\xFF\x0A", "JPEG XL"),
    (b"\0\0\0\x0CJXL ", "JPEG XL"),
    (b"\0\0\0\x0CjP  ", "JPEG 2000"),
    (b"8BPS", "Photoshop"),
];

/// Brands of the HEIF containers that phones write (ISO/IEC 23008-12, annex B).
const HEIC_BRANDS: [&[u8; 4]; 8] = [
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1",
];

impl Format {
    /// Returns the format that the first bytes indicate.
    ///
    /// # Errors
    /// Returns an error if the bytes are empty, do not begin like an image, or indicate a format that is not accepted.
    pub(crate) fn detect(bytes: &[u8]) -> Result<Self, ImageError> {
        match bytes {
            [] => Err(ImageError::Empty),
            [0xFF, 0xD8, 0xFF, ..] => Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Ok(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Ok(Self::Gif),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Ok(Self::WebP),
            [b'B', b'M', ..] => Ok(Self::Bmp),
            _ => Err(unsupported(bytes)),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
            Self::Gif => "GIF",
        }
    }

    /// Returns the error for a file that violates the format.
    pub(super) fn invalid(self, detail: impl Into<String>) -> ImageError {
        ImageError::Invalid {
            format: self.name(),
            detail: detail.into(),
        }
    }

    /// Returns the error for a file that ends before its last pixel.
    pub(super) fn truncated(self) -> ImageError {
        self.invalid("the file is truncated")
    }

    /// Returns the error for a file that may be valid, but has a feature that the decoder does not implement.
    pub(super) fn unsupported(self, feature: impl Into<String>) -> ImageError {
        ImageError::UnsupportedKind {
            format: self.name(),
            feature: feature.into(),
        }
    }

    /// Returns the image of a decoder.
    ///
    /// # Errors
    /// Returns an error if the image has no pixels.
    pub(super) fn image<P>(
        self,
        width: usize,
        height: usize,
        pixels: Vec<P>,
    ) -> Result<Raster<P>, ImageError> {
        let image = Raster::new(width, height, pixels);
        image.ok_or_else(|| self.invalid("the image has no pixels"))
    }
}

fn unsupported(bytes: &[u8]) -> ImageError {
    if let [_, _, _, length, b'f', b't', b'y', b'p', brands @ ..] = bytes {
        let length = usize::from(*length).saturating_sub(8).min(brands.len());
        let brands = brands[..length].as_chunks().0;
        if brands
            .iter()
            .any(|brand| matches!(brand, b"avif" | b"avis"))
        {
            return ImageError::UnsupportedFormat {
                format: "AVIF",
                remedy: "convert the image to JPEG, PNG or WebP",
            };
        }
        if brands.iter().any(|brand| HEIC_BRANDS.contains(&brand)) {
            return ImageError::UnsupportedFormat {
                format: "HEIC",
                remedy: "convert the photo to JPEG, or let the iPhone take JPEG photos with \
                         Settings > Camera > Formats > Most Compatible",
            };
        }
    }
    let mut known = UNSUPPORTED.iter();
    match known.find(|(magic, _)| bytes.starts_with(magic)) {
        Some((_, format)) => ImageError::UnsupportedFormat {
            format,
            remedy: "send JPEG, PNG, WebP, BMP or GIF",
        },
        None => ImageError::NotAnImage,
    }
}
