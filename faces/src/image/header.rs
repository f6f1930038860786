//! Properties of an image that are known before it is decoded.

/// Size of an image, and the memory that decoding takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Columns.
    pub(super) width: u32,
    /// Rows.
    pub(super) height: u32,
    /// Upper bound of the bytes that the decoder allocates for gray levels, without constant amounts.
    pub(super) memory: u64,
    /// The upper bound for colours and, after decoding, their conversion to gray.
    pub(super) color_memory: u64,
}

impl Header {
    /// Creates the header of an image whose decoder allocates `gray` bytes per pixel for gray levels and `color` bytes per pixel for
    /// colours, and `constant` bytes more.
    pub(super) fn new(width: u32, height: u32, gray: u64, color: u64, constant: usize) -> Self {
        let pixels = u64::from(width) * u64::from(height);
        let memory = |bytes: u64| pixels.saturating_mul(bytes).saturating_add(constant as u64);
        Self {
            width,
            height,
            memory: memory(gray),
            color_memory: memory(color),
        }
    }

    /// Returns the number of pixels. The header must have passed the limits.
    pub(super) fn pixels(&self) -> usize {
        self.width as usize * self.height as usize
    }
}
