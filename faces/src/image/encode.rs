//! Encoding of faces.

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

use super::Face;

impl Face {
    /// Encodes the face losslessly as an 8-bit grayscale PNG file.
    pub fn png(&self) -> Vec<u8> {
        let side = u32::try_from(self.side()).expect("the side of a face fits 32 bits");
        let mut file = Vec::new();
        PngEncoder::new(&mut file)
            .write_image(self.pixels(), side, side, ExtendedColorType::L8)
            .expect("a face has side * side bytes, and writing to memory does not fail");
        file
    }
}

#[cfg(test)]
mod tests {
    use crate::image::{Face, Limits, decode};

    #[test]
    fn encoded_face_decodes_unchanged() {
        let face = Face::new(16, (0..=255).collect()).unwrap();
        let image = decode(&face.png(), &Limits::default()).unwrap();
        assert_eq!((image.width(), image.height()), (16, 16));
        assert_eq!(image.to_face(16), face);
    }
}
