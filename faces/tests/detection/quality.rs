//! Size, blur and brightness of faces.

use mien_faces::{
    detection::Quality,
    image::{BoundingBox, DecodedImage},
};

fn measure(photo: &DecodedImage, face_box: &BoundingBox) -> Quality {
    Quality::measure(face_box, &photo.crop_face(face_box, Quality::SIDE))
}

/// Returns the quality of a face that fills a square photo with this gray level at each column and row.
fn quality(side: usize, level: impl Fn(usize, usize) -> u8) -> Quality {
    let places = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
    let pixels = places.map(|(x, y)| level(x, y)).collect();
    let photo = DecodedImage::new(side, side, pixels).unwrap();
    let (length, inner) = (side as f32, side as f32 / 1.09);
    let whole = BoundingBox {
        x: (length - inner) / 2.0,
        y: (length - inner) / 2.0,
        width: inner,
        height: inner,
    };
    measure(&photo, &whole)
}

#[test]
fn uniform_face_has_its_level_and_no_contrast() {
    let gray = quality(109, |_, _| 90);
    assert_eq!((gray.blur, gray.brightness), (0.0, 90.0));
    assert!((gray.size - 100.0).abs() < 1e-3);
}

#[test]
fn size_is_geometric_mean_of_sides() {
    let photo = DecodedImage::new(100, 100, vec![0; 10_000]).unwrap();
    let face_box = BoundingBox {
        x: 10.0,
        y: 10.0,
        width: 20.0,
        height: 45.0,
    };
    let size = measure(&photo, &face_box).size;
    assert!((size - 30.0).abs() < 1e-4);
}

#[test]
fn blur_is_variance_of_laplacian() {
    // The Laplacian of a checkerboard of the levels 100 and 110 is 4 * 10 or -4 * 10.
    let board = quality(48, |x, y| 100 + 10 * u8::from((x + y) % 2 == 0));
    assert_eq!(board.blur, 1600.0);
    assert_eq!(board.brightness, 105.0);
    // The Laplacian of a ramp is 0.
    let ramp = quality(48, |x, _| u8::try_from(5 * x).unwrap());
    assert_eq!(ramp.blur, 0.0);
}

#[test]
fn enlarged_face_is_more_blurred_than_its_original() {
    let stripes = |x: usize, size: usize| {
        if (x / size).is_multiple_of(2) {
            40
        } else {
            200
        }
    };
    let sharp = quality(48, |x, _| stripes(x, 4));
    let soft = quality(12, |x, _| stripes(x, 1));
    assert!(soft.blur < sharp.blur / 4.0, "{} {}", soft.blur, sharp.blur);
}
