//! The two kinds of pixels that decoders return.

use bytemuck::Pod;
use fast_image_resize::PixelType;
use image::{DynamicImage, GrayImage, RgbImage};

use super::luma::luma;

/// A gray level, or the red, green and blue of a colour. Each decoder works for both.
pub(crate) trait Pixel: Pod {
    /// The kind of pixel for the crate `fast_image_resize`.
    const TYPE: PixelType;

    /// Returns the pixel of a gray level.
    fn from_gray(level: u8) -> Self;

    /// Returns the pixel of a colour.
    fn from_rgb(rgb: [u8; 3]) -> Self;

    /// Returns the pixels of red, green and blue bytes.
    fn from_rgb_bytes(bytes: Vec<u8>) -> Vec<Self>;

    /// Returns the image for the crate `image`, or `None` if the number of bytes is wrong.
    fn image(width: u32, height: u32, bytes: Vec<u8>) -> Option<DynamicImage>;
}

impl Pixel for u8 {
    const TYPE: PixelType = PixelType::U8;

    #[inline]
    fn from_gray(level: u8) -> Self {
        level
    }

    #[inline]
    fn from_rgb(rgb: [u8; 3]) -> Self {
        luma(rgb)
    }

    fn from_rgb_bytes(bytes: Vec<u8>) -> Vec<Self> {
        let (pixels, _) = bytes.as_chunks();
        pixels.iter().copied().map(luma).collect()
    }

    fn image(width: u32, height: u32, bytes: Vec<u8>) -> Option<DynamicImage> {
        GrayImage::from_raw(width, height, bytes).map(DynamicImage::ImageLuma8)
    }
}

impl Pixel for [u8; 3] {
    const TYPE: PixelType = PixelType::U8x3;

    #[inline]
    fn from_gray(level: u8) -> Self {
        [level; 3]
    }

    #[inline]
    fn from_rgb(rgb: [u8; 3]) -> Self {
        rgb
    }

    fn from_rgb_bytes(bytes: Vec<u8>) -> Vec<Self> {
        // Succeeds without a copy if the capacity is a multiple of 3.
        bytemuck::allocation::try_cast_vec(bytes)
            .unwrap_or_else(|(_, bytes)| bytes.as_chunks().0.to_vec())
    }

    fn image(width: u32, height: u32, bytes: Vec<u8>) -> Option<DynamicImage> {
        RgbImage::from_raw(width, height, bytes).map(DynamicImage::ImageRgb8)
    }
}
