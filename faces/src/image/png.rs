//! A face as a file again.

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

use super::Face;

impl Face {
    /// The face as the bytes of a PNG file, 8-bit gray, without loss.
    pub fn png(&self) -> Vec<u8> {
        let side = u32::try_from(self.side()).expect("a face is no wider than a picture can be");
        let mut file = Vec::new();
        PngEncoder::new(&mut file)
            .write_image(self.pixels(), side, side, ExtendedColorType::L8)
            .expect("a face has side * side bytes, and memory takes every byte");
        file
    }
}

#[cfg(test)]
mod tests {
    use crate::image::{Face, Limits, decode};

    #[test]
    fn a_face_comes_back_as_it_was() {
        let face = Face::new(16, (0..=255).collect()).unwrap();
        let picture = decode(&face.png(), &Limits::default()).unwrap();
        assert_eq!((picture.width(), picture.height()), (16, 16));
        assert_eq!(picture.to_face(16), face);
    }
}
