//! Image preprocessing that is equal to that of Keras and Pillow: decoding to 8-bit grayscale, then resizing to the square of a
//! model. Photos for the face detector are decoded to colours.

mod bmp;
mod bounding_box;
mod convert;
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
mod orientation;
mod panics;
mod pixel;
mod png;
mod preprocess;
mod recognition;
pub(crate) mod resample;
mod statistics;
mod webp;

pub use bounding_box::{BoundingBox, BoxError};
pub use decode::{ImageFile, decode};
pub use error::{ImageError, ImageErrorKind};
pub use limits::Limits;
pub use panics::is_panic_contained;
pub use recognition::is_image_file;
pub use statistics::FaceStatistics;

/// A decoded image: 8-bit grayscale, 0 black to 255 white, upright.
pub type DecodedImage = Raster<u8>;

/// A decoded image in colour: red, green and blue from 0 to 255 per pixel, upright.
pub type ColorImage = Raster<[u8; 3]>;

/// A rectangle of pixels: a [`DecodedImage`] or a [`ColorImage`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster<P> {
    width: usize,
    height: usize,
    pixels: Vec<P>,
}

impl<P> Raster<P> {
    /// Creates an image of `width * height` pixels, row by row from the top left. Returns `None` if the number of pixels differs
    /// or is zero.
    pub fn new(width: usize, height: usize, pixels: Vec<P>) -> Option<Self> {
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

    /// Returns the geometric mean of columns and rows: the side of a square with as many pixels.
    pub fn mean_side(&self) -> f32 {
        mean_side(self.pixels.len())
    }

    /// Returns `width * height` pixels, row by row from the top left.
    pub fn pixels(&self) -> &[P] {
        &self.pixels
    }
}

/// Returns the side of a square with this number of pixels.
fn mean_side(pixels: usize) -> f32 {
    (pixels as f64).sqrt() as f32
}

impl DecodedImage {
    /// Returns the image with each gray level as red, green and blue.
    pub fn to_color(&self) -> ColorImage {
        ColorImage {
            width: self.width,
            height: self.height,
            pixels: self.pixels.iter().map(|&level| [level; 3]).collect(),
        }
    }
}

impl ColorImage {
    /// Converts the image to BT.601 luma. The result for [`ImageFile::decode_color`] equals that of [`ImageFile::decode`].
    pub fn to_gray(&self) -> DecodedImage {
        DecodedImage {
            width: self.width,
            height: self.height,
            pixels: self.pixels.iter().map(|&rgb| luma::luma(rgb)).collect(),
        }
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
