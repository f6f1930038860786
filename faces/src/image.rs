//! Pictures as Keras and Pillow see them: decoded to 8-bit gray, then stretched to a model's square.

pub(crate) mod container;
mod decode;
pub(crate) mod format;
mod luma;
mod png;
mod preprocess;

pub use decode::{ImageError, Limits, decode};

/// A decoded picture: 8-bit gray, 0 black to 255 white, upright.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// A picture of `width * height` pixels, row by row from the top left; `None` when the length
    /// does not fit or a side is zero.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        let area = width.checked_mul(height)?;
        (area > 0 && pixels.len() == area).then_some(Self {
            width,
            height,
            pixels,
        })
    }

    /// Columns, at least 1.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows, at least 1.
    pub fn height(&self) -> usize {
        self.height
    }

    /// `width * height` gray levels, row by row from the top left.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}

/// What a model takes: a square of 8-bit gray.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Face {
    side: usize,
    pixels: Vec<u8>,
}

impl Face {
    /// A face of `side * side` gray levels, row by row from the top left; `None` when the length
    /// does not fit or the side is zero.
    pub fn new(side: usize, pixels: Vec<u8>) -> Option<Self> {
        let area = side.checked_mul(side)?;
        (area > 0 && pixels.len() == area).then_some(Self { side, pixels })
    }

    /// Rows and columns, at least 1.
    pub fn side(&self) -> usize {
        self.side
    }

    /// `side * side` gray levels, 0 black to 255 white, row by row from the top left.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}
