//! Entry points of the fuzz targets in `fuzz/`. They panic only if the code under test does.

use crate::image::{ImageFile, Limits};

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

/// Decodes an image of at most one million pixels to gray levels and to colours.
///
/// # Panics
/// Panics if the gray levels differ.
pub fn image_decode(bytes: &[u8]) {
    let Ok(file) = ImageFile::open(bytes, &LIMITS) else {
        return;
    };
    let gray = file.decode();
    if let Ok((color, _)) = file.decode_color() {
        assert!(gray == Ok(color.to_gray()), "gray and colours differ");
    }
}
