//! Entry points of the fuzz targets in `fuzz/`. They panic only if the code under test does.

use std::path::Path;

use crate::{
    dataset::groups::ImageGroups,
    image::{ImageFile, Limits},
};

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

/// Parses `groups.csv` and groups the images that it names.
///
/// # Panics
/// Panics if a group has no image.
pub fn groups_csv(bytes: &[u8]) {
    let Ok(groups) = ImageGroups::parse(Path::new("groups.csv"), bytes) else {
        return;
    };
    let text = String::from_utf8_lossy(bytes);
    let images = text.lines().filter_map(|line| line.split(',').next());
    for grouping in groups.of_images(images) {
        assert!(!grouping.counts().contains(&0), "a group has no image");
    }
}
