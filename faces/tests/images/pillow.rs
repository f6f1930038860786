//! Gray levels are equal to those of Pillow.

use mien_faces::image::Face;

use super::{LOSSLESS, LOSSY, image};

/// Returns the largest difference of two images in gray levels.
fn max_difference(a: &[u8], b: &[u8]) -> u8 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| a.abs_diff(*b))
        .max()
        .unwrap_or(0)
}

fn assert_equals_pillow(name: &str, tolerance: u8) {
    let (ours, pillow) = (image(name), image(&format!("{name}.gray.png")));
    let sizes = [&ours, &pillow].map(|p| (p.width(), p.height()));
    assert_eq!(sizes[0], sizes[1], "{name}");
    let difference = max_difference(ours.pixels(), pillow.pixels());
    assert!(
        difference <= tolerance,
        "{name} differs by {difference} levels"
    );
}

#[test]
fn lossless_images_equal_those_of_pillow() {
    for name in LOSSLESS.iter().filter(|name| **name != "mosaic.png") {
        assert_equals_pillow(name, 0);
    }
}

#[test]
fn lossy_images_equal_those_of_pillow_up_to_rounding() {
    for name in LOSSY {
        assert_equals_pillow(name, 2);
    }
}

#[test]
fn resized_image_is_within_one_level_of_pillow() {
    let source = image("mosaic.png");
    for side in [20, 48, 64, 100, 224] {
        let ours: Face = source.to_face(side);
        let pillow = image(&format!("mosaic.png.{side}.png"));
        assert_eq!((ours.side(), ours.pixels().len()), (side, side * side));
        let difference = max_difference(ours.pixels(), pillow.pixels());
        assert!(
            difference <= 1,
            "side {side} differs by {difference} levels"
        );
    }
}

#[test]
fn image_of_requested_size_is_not_changed() {
    let square = image("mosaic.png.48.png");
    assert_eq!(square.to_face(48).pixels(), square.pixels());
}
