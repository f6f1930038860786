//! Picture -> Face: the one resize that training and serving share.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images::Image, images::ImageRef,
};

use super::{Face, Picture};

impl Picture {
    /// The picture stretched to `side * side` with an anti-aliased triangle filter, within one gray
    /// level of Pillow's `resize((side, side), BILINEAR)`. A picture that has this size already is
    /// untouched.
    ///
    /// # Panics
    /// When `side` is 0 or over 65,535: sides come from a model that was checked at load, never from a client.
    pub fn to_face(&self, side: usize) -> Face {
        let pixels = if (self.width, self.height) == (side, side) {
            self.pixels.clone()
        } else {
            self.stretched(side)
        };
        Face::new(side, pixels).expect("a resize gives the size that was asked for")
    }

    fn stretched(&self, side: usize) -> Vec<u8> {
        let side = u32::from(u16::try_from(side).expect("a model's side fits 16 bits"));
        let (width, height) = (extent(self.width), extent(self.height));
        let source = ImageRef::new(width, height, &self.pixels, PixelType::U8)
            .expect("a picture holds width * height bytes");
        let mut target = Image::new(side, side, PixelType::U8);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        Resizer::new()
            .resize(&source, &mut target, &options)
            .expect("source and target have the same pixel type and no crop is asked for");
        target.into_vec()
    }
}

fn extent(side: usize) -> u32 {
    u32::try_from(side).expect("decoders give sides of 32 bits")
}
