//! Bytes -> Picture, with the limits read off the header before anything is allocated.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageReader};

use super::{Picture, container, format::Format, luma};

/// How large a picture may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most pixels, width times height.
    pub max_pixels: u64,
}

impl Default for Limits {
    /// 24 million pixels: what a good camera makes.
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

    /// What a decoder may allocate: a picture of the largest size in the widest pixels (16-bit RGBA),
    /// and as much again for its tables and buffers.
    fn memory(&self) -> image::Limits {
        let mut memory = image::Limits::default();
        memory.max_alloc = Some(self.max_pixels.saturating_mul(16).saturating_add(1 << 20));
        memory
    }
}

/// Why bytes did not become a picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The bytes start like none of the accepted formats.
    #[error("not a picture that can be read; send JPEG, PNG, WebP, BMP or GIF")]
    Unsupported,
    /// The format is known, the content is broken, cut off, or of a rare kind that the decoder lacks.
    #[error("broken {format} picture: {detail}")]
    Invalid {
        /// The format that the first bytes promise.
        format: &'static str,
        /// What is wrong with the rest.
        detail: String,
    },
    /// The header tells of more pixels than the limit.
    #[error("{width}x{height} pixels are over the limit of {max_pixels}; send a smaller picture")]
    TooManyPixels {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// The limit that was passed.
        max_pixels: u64,
    },
}

/// Decodes a JPEG, PNG, WebP, BMP or GIF (first frame) to upright 8-bit gray, as Keras and Pillow see it:
/// EXIF orientation applied, alpha dropped, BT.601 luma, 16-bit samples scaled to 8. The bytes decide the format.
///
/// # Errors
/// [`ImageError::Unsupported`] for any other format, [`ImageError::TooManyPixels`] over the limit, and
/// [`ImageError::Invalid`] for a broken file, one that is cut off included.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, ImageError> {
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
        return Err(invalid("the file is cut off".to_owned()));
    }

    let orientation = decoder.orientation().map_err(broken)?;
    let gray = luma::to_gray(DynamicImage::from_decoder(decoder).map_err(broken)?);
    let mut upright = DynamicImage::ImageLuma8(gray);
    upright.apply_orientation(orientation);
    let (width, height) = (upright.width() as usize, upright.height() as usize);
    Picture::new(width, height, upright.into_bytes())
        .ok_or_else(|| invalid("it has no pixels".to_owned()))
}
