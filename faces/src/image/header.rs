//! Properties of an image that are known before it is decoded.

/// Size of an image, and the memory that decoding takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Columns.
    pub(super) width: u32,
    /// Rows.
    pub(super) height: u32,
    /// Upper bound of the bytes that the decoder allocates, without constant amounts.
    pub(super) memory: u64,
}

impl Header {
    /// Creates the header of an image whose decoder allocates `bytes_per_pixel` bytes per pixel.
    pub(super) fn new(width: u32, height: u32, bytes_per_pixel: u64) -> Self {
        let pixels = u64::from(width) * u64::from(height);
        Self {
            width,
            height,
            memory: pixels.saturating_mul(bytes_per_pixel),
        }
    }

    /// Returns the number of pixels. The header must have passed the limits.
    pub(super) fn pixels(&self) -> usize {
        self.width as usize * self.height as usize
    }
}
