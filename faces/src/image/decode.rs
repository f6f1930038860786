//! Decodes image files. The limits are checked on the header, before memory is allocated.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageReader};

use super::{DecodedImage, container, format::Format, luma};

/// Limits on the size of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of pixels, width times height.
    pub max_pixels: u64,
}

impl Default for Limits {
    /// 24 million pixels, the resolution of a good camera.
    fn default() -> Self {
        Self {
            max_pixels: 24_000_000,
        }
    }
}

impl Limits {
    fn check(&self, (width, height): (u32, u32)) -> Result<(), ImageError> {
        if u64::from(width) * u64::from(height) > self.max_pixels {
            return Err(ImageError::TooManyPixels {
                width,
                height,
                max_pixels: self.max_pixels,
            });
        }
        Ok(())
    }

    /// Returns the memory limit of a decoder: an image of the maximum size with the largest pixels (16-bit RGBA), and the same
    /// amount for its tables and buffers.
    fn memory(&self) -> image::Limits {
        let mut memory = image::Limits::default();
        memory.max_alloc = Some(self.max_pixels.saturating_mul(16).saturating_add(1 << 20));
        memory
    }
}

/// Why an image cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The first bytes do not indicate an accepted format.
    #[error("not an image in a supported format; send JPEG, PNG, WebP, BMP or GIF")]
    Unsupported,
    /// The format is accepted, but the content is invalid, truncated, or uses an unsupported feature.
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
}

/// Decodes a JPEG, PNG, WebP, BMP or GIF (first frame) to 8-bit grayscale like Keras and Pillow. The first bytes determine the
/// format. The EXIF orientation is applied, alpha is dropped, luma is BT.601, and 16-bit samples are scaled to 8 bits.
///
/// # Errors
/// Returns [`ImageError::Unsupported`] for any other format, [`ImageError::TooManyPixels`] above the limit, and
/// [`ImageError::Invalid`] for an invalid or truncated file.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<DecodedImage, ImageError> {
    let format = Format::detect(bytes).ok_or(ImageError::Unsupported)?;
    let invalid = |detail: String| ImageError::Invalid {
        format: format.name(),
        detail,
    };
    let broken = |error: image::ImageError| invalid(error.to_string());

    if let Some(size) = container::declared_size(format, bytes) {
        limits.check(size)?;
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format.codec());
    reader.limits(limits.memory());
    let mut decoder = reader.into_decoder().map_err(broken)?;
    limits.check(decoder.dimensions())?;
    if !container::is_complete(format, bytes) {
        return Err(invalid("the file is truncated".to_owned()));
    }

    let orientation = decoder.orientation().map_err(broken)?;
    let gray = luma::to_gray(DynamicImage::from_decoder(decoder).map_err(broken)?);
    let mut upright = DynamicImage::ImageLuma8(gray);
    upright.apply_orientation(orientation);
    let (width, height) = (upright.width() as usize, upright.height() as usize);
    DecodedImage::new(width, height, upright.into_bytes())
        .ok_or_else(|| invalid("the image has no pixels".to_owned()))
}
