//! Decoding and resizing through the public interface, compared with Pillow. `fixtures/make.py` created the images and the
//! expected results.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot continue should panic"
)]

mod color;
mod crop;
mod faults;
mod invalid;
mod jpeg;
mod orientation;
mod pillow;

use std::{fs, path::PathBuf};

use mien_faces::image::{DecodedImage, Limits, decode};
use proptest::sample::Index;

/// Images without loss; the gray levels must equal those of Pillow.
const LOSSLESS: [&str; 16] = [
    "rgb.png",
    "rgb.bmp",
    "lossless.webp",
    "bits.png",
    "alpha.png",
    "alpha.webp",
    "grayalpha.png",
    "palette.png",
    "palette.bmp",
    "palette.gif",
    "animated.gif",
    "animated.webp",
    "deep.png",
    "exif6.png",
    "exif6.webp",
    "mosaic.png",
];

/// Images for which decoders round differently.
const LOSSY: [&str; 12] = [
    "lossy.webp",
    "baseline.jpg",
    "progressive.jpg",
    "gray.jpg",
    "cmyk.jpg",
    "exif2.jpg",
    "exif3.jpg",
    "exif4.jpg",
    "exif5.jpg",
    "exif6.jpg",
    "exif7.jpg",
    "exif8.jpg",
];

/// Returns a fixture in which the bytes at these places have other values.
fn damaged(name: &str, damage: Vec<(Index, u8)>) -> Vec<u8> {
    let mut bytes = fixture(name);
    for (at, byte) in damage {
        let at = at.index(bytes.len());
        bytes[at] = byte;
    }
    bytes
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::read(folder.join(name)).expect(name)
}

fn image(name: &str) -> DecodedImage {
    decode(&fixture(name), &Limits::default()).expect(name)
}
