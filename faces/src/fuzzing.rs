//! Entry points of the fuzz targets in `fuzz/`. They panic only if the code under test does.

use crate::image::{ImageFile, Limits, decode};

/// Limits that keep a run of the fuzzer fast.
const LIMITS: Limits = Limits {
    max_pixels: 1_000_000,
    max_memory: 64 << 20,
};

/// Reads the header of an image.
pub fn image_container(bytes: &[u8]) {
    // An error is the expected result for most inputs.
    let _ = ImageFile::open(bytes, &LIMITS);
}

/// Decodes an image of at most one million pixels.
pub fn image_decode(bytes: &[u8]) {
    let _ = decode(bytes, &LIMITS);
}
