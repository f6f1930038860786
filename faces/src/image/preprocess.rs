//! Resizing of images to faces; training and serving share it.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images::Image, images::ImageRef,
};

use super::{DecodedImage, Face};

impl DecodedImage {
    /// Resizes the image to `side * side` with an anti-aliased triangle filter. The result differs from Pillow's
    /// `resize((side, side), BILINEAR)` by at most one gray level. An image that has this size already is not changed.
    ///
    /// # Panics
    /// Panics if `side` is 0 or above 65,535. The side comes from a model, which was checked when it was loaded.
    pub fn to_face(&self, side: usize) -> Face {
        let pixels = if (self.width, self.height) == (side, side) {
            self.pixels.clone()
        } else {
            self.resized(side)
        };
        Face::new(side, pixels).expect("resizing returns the requested size")
    }

    fn resized(&self, side: usize) -> Vec<u8> {
        let side = u32::from(u16::try_from(side).expect("the side of a model fits 16 bits"));
        let (width, height) = (to_u32(self.width), to_u32(self.height));
        let source = ImageRef::new(width, height, &self.pixels, PixelType::U8)
            .expect("an image has width * height bytes");
        let mut target = Image::new(side, side, PixelType::U8);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        Resizer::new()
            .resize(&source, &mut target, &options)
            .expect("source and target have the same pixel type, and the image is not cropped");
        target.into_vec()
    }
}

fn to_u32(side: usize) -> u32 {
    u32::try_from(side).expect("decoders return sizes of 32 bits")
}
