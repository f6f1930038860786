//! Entry points of the fuzz targets in `fuzz/`. They panic only if the code under test does.

use crate::image::{Limits, container, decode, format::Format};

/// Reads the declared size of an image and searches for the end marker of its format.
pub fn image_container(bytes: &[u8]) {
    if let Some(format) = Format::detect(bytes) {
        container::declared_size(format, bytes);
        container::is_complete(format, bytes);
    }
}

/// Decodes an image of at most one million pixels.
pub fn image_decode(bytes: &[u8]) {
    // An error is the expected result for most inputs.
    let _ = decode(
        bytes,
        &Limits {
            max_pixels: 1_000_000,
        },
    );
}
