//! Image preprocessing that is equal to that of Keras and Pillow: decoding to 8-bit grayscale, then resizing to the square of a
//! model.

mod bmp;
mod bounding_box;
mod crop;
mod decode;
mod encode;
mod error;
pub(crate) mod format;
mod gif;
mod header;
mod jpeg;
mod limits;
mod luma;
mod metadata;
mod panics;
mod png;
mod preprocess;
pub(crate) mod resample;
mod webp;

pub use bounding_box::{BoundingBox, BoxError};
pub use decode::{ImageFile, decode};
pub use error::{ImageError, ImageErrorKind};
pub use limits::Limits;
pub use panics::is_panic_contained;

/// A decoded image: 8-bit grayscale, 0 black to 255 white, upright.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedImage {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl DecodedImage {
    /// Creates an image of `width * height` pixels, row by row from the top left. Returns `None` if the number of pixels differs
    /// or is zero.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        let area = width.checked_mul(height)?;
        (area > 0 && pixels.len() == area).then_some(Self {
            width,
            height,
            pixels,
        })
    }

    /// Returns the number of columns, at least 1.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the number of rows, at least 1.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Returns `width * height` gray levels, row by row from the top left.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}

/// The input of a model: a square of 8-bit gray levels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Face {
    side: usize,
    pixels: Vec<u8>,
}

impl Face {
    /// Creates a face of `side * side` gray levels, row by row from the top left. Returns `None` if the number of levels differs
    /// or is zero.
    pub fn new(side: usize, pixels: Vec<u8>) -> Option<Self> {
        let area = side.checked_mul(side)?;
        (area > 0 && pixels.len() == area).then_some(Self { side, pixels })
    }

    /// Returns the number of rows and columns, at least 1.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Returns `side * side` gray levels, 0 black to 255 white, row by row from the top left.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}
