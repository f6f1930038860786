//! Limits on the size of an image. They are checked on the header, before memory is allocated for pixels.

use super::{ImageError, format::Format, header::Header};

/// Maximum number of columns and of rows.
const MAX_SIDE: u32 = 32_768;
/// Maximum ratio of the longer to the shorter side.
const MAX_RATIO: u32 = 100;

/// Limits on the size of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of pixels, width times height.
    pub max_pixels: u64,
    /// Maximum memory of one decoder in bytes, without the file.
    pub max_memory: u64,
}

impl Default for Limits {
    /// 64 million pixels, more than a phone camera of 50 megapixels takes, and 256 MiB.
    fn default() -> Self {
        Self {
            max_pixels: 64_000_000,
            max_memory: 256 << 20,
        }
    }
}

impl Limits {
    pub(super) fn check(&self, format: Format, header: Header) -> Result<(), ImageError> {
        let Header {
            width,
            height,
            memory,
            color_memory: _,
        } = header;
        let max_pixels = self.max_pixels;
        if u64::from(width) * u64::from(height) > max_pixels {
            return Err(ImageError::TooManyPixels {
                width,
                height,
                max_pixels,
            });
        }
        if width.max(height) > MAX_SIDE {
            return Err(ImageError::SideTooLong {
                width,
                height,
                max_side: MAX_SIDE,
            });
        }
        if width.max(height) / width.min(height).max(1) > MAX_RATIO {
            return Err(ImageError::TooNarrow {
                width,
                height,
                max_ratio: MAX_RATIO,
            });
        }
        self.check_memory(format, header, memory)
    }

    /// Checks the memory that decoding takes.
    pub(super) fn check_memory(
        &self,
        format: Format,
        header: Header,
        memory: u64,
    ) -> Result<(), ImageError> {
        if memory > self.max_memory {
            return Err(ImageError::TooMuchMemory {
                format: format.name(),
                width: header.width,
                height: header.height,
                memory,
                max_memory: self.max_memory,
            });
        }
        Ok(())
    }
}
