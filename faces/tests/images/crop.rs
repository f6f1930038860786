//! Cropping of faces, within and beyond the edges of the photo.

use mien_faces::image::{BoundingBox, ColorImage, DecodedImage};
use proptest::prelude::*;

use super::image;

/// Ratio of the cropped square to the box.
const RATIO: f32 = 1.09;

/// Returns a photo with this gray level at each column and row.
fn photo(width: usize, height: usize, level: impl Fn(usize, usize) -> u8) -> DecodedImage {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let pixels = places.map(|(x, y)| level(x, y)).collect();
    DecodedImage::new(width, height, pixels).unwrap()
}

/// Returns the box of which the cropped square has this corner and side.
fn square(left: f32, top: f32, side: f32) -> BoundingBox {
    let inner = side / RATIO;
    let margin = (side - inner) / 2.0;
    BoundingBox {
        x: left + margin,
        y: top + margin,
        width: inner,
        height: inner,
    }
}

#[test]
fn crop_of_square_is_within_two_levels_of_pillow() {
    let mosaic = image("mosaic.png");
    let length = mosaic.width().min(mosaic.height());
    // With half of the contrast, the filter does not overshoot beyond 0 to 255, which Pillow clips in another order.
    let cut = photo(length, length, |x, y| {
        mosaic.pixels()[y * mosaic.width() + x] / 2 + 64
    });
    let whole = square(0.0, 0.0, length as f32);
    for side in [20, 48, 64, 100, 224] {
        let cropped = cut.crop_face(&whole, side);
        let pillow = image(&format!("mosaic.png.crop{side}.png"));
        assert_eq!(pillow.pixels().len(), side * side);
        let levels = cropped.pixels().iter().zip(pillow.pixels());
        let difference = levels.map(|(a, b)| a.abs_diff(*b)).max();
        // Both round after each axis, in another order.
        assert!(difference <= Some(2), "side {side}: {difference:?} levels");
    }
}

#[test]
fn crop_keeps_fractional_position_and_scale() {
    // Column x has level 2 * x and its centre at x + 0.5, so position p has level 2 * p - 1.
    let ramp = photo(120, 60, |x, _| u8::try_from(2 * x).unwrap());
    let face = ramp.crop_face(&square(30.25, 10.0, 20.0), 10);
    for (column, level) in face.pixels()[..10].iter().enumerate() {
        let position = 30.25 + (column as f64 + 0.5) * 2.0;
        let expected = 2.0 * position - 1.0;
        let error = (f64::from(*level) - expected).abs();
        assert!(error <= 1.0, "column {column}: {level}, not {expected}");
    }
}

#[test]
fn side_of_square_is_109_percent_of_geometric_mean() {
    // The square of a box of 20 * 80 pixels has a side of 43.6 pixels and its centre at (50, 50): 28.2 to 71.8.
    let white_square = photo(100, 100, |x, y| {
        u8::from((28..72).contains(&x) && (28..72).contains(&y)) * 255
    });
    let face_box = BoundingBox {
        x: 40.0,
        y: 10.0,
        width: 20.0,
        height: 80.0,
    };
    let levels = white_square.crop_face(&face_box, 44);
    assert!(levels.pixels().iter().all(|level| *level > 200));
    let wider = BoundingBox {
        width: 24.0,
        x: 38.0,
        ..face_box
    };
    let levels = white_square.crop_face(&wider, 44);
    assert_eq!(levels.pixels()[0], 0);
}

#[test]
fn crop_beyond_edge_is_padded_with_mean_of_border() {
    // The square covers columns 0 to 19 and rows 0 to 39 of the photo: 40 + 40 - 4 outermost pixels in two columns of 40 and two rows of
    // 18 more. The left column has level 200, all others have 100.
    let bright_edge = photo(100, 40, |x, _| if x == 0 { 200 } else { 100 });
    let face = bright_edge.crop_face(&square(-20.0, 0.0, 40.0), 40);
    // (40 * 200 + 76 * 100) / 116 = 134.5
    let padding = 134;
    for row in face.pixels().chunks_exact(40) {
        assert_eq!(row[..20], [padding; 20]);
        assert_eq!(row[20], 200);
        assert_eq!(row[21..], [100; 19]);
    }
}

#[test]
fn crop_beyond_corner_is_not_shifted() {
    let dark_corner = photo(50, 50, |x, y| if x >= 40 && y >= 40 { 0 } else { 250 });
    let face = dark_corner.crop_face(&square(40.0, 40.0, 20.0), 20);
    let rows: Vec<&[u8]> = face.pixels().chunks_exact(20).collect();
    assert_eq!(rows[0], [0; 20]);
    assert_eq!(rows[19], [0; 20]);

    let face = dark_corner.crop_face(&square(30.0, 30.0, 40.0), 40);
    let rows: Vec<&[u8]> = face.pixels().chunks_exact(40).collect();
    assert_eq!((rows[0][0], rows[9][19], rows[19][9]), (250, 250, 250));
    assert_eq!((rows[10][10], rows[19][19]), (0, 0));
    // The square covers 20 * 20 pixels, of which 76 are outermost; 57 of them have level 250: 57 * 250 / 76 = 187.5.
    assert_eq!((rows[20][0], rows[0][20], rows[39][39]), (188, 188, 188));
}

#[test]
fn box_much_larger_than_photo_shows_photo_in_its_place() {
    let gray = photo(90, 90, |x, y| {
        if (10..80).contains(&x) && (10..80).contains(&y) {
            220
        } else {
            20
        }
    });
    let face = gray.crop_face(&square(-405.0, -405.0, 900.0), 90);
    let rows: Vec<&[u8]> = face.pixels().chunks_exact(90).collect();
    assert_eq!(rows[45][45], 220);
    assert_eq!((rows[0][0], rows[45][30], rows[60][45]), (20, 20, 20));
}

#[test]
fn unusable_box_gives_uniform_face_of_border_mean() {
    let framed = photo(
        10,
        10,
        |x, y| {
            if x % 9 == 0 || y % 9 == 0 { 50 } else { 200 }
        },
    );
    for unusable in [
        square(f32::NAN, 0.0, 10.0),
        square(0.0, 0.0, f32::INFINITY),
        square(0.0, 0.0, 0.0),
        square(0.0, 0.0, -5.0),
        square(1e30, 0.0, 10.0),
        square(0.0, 0.0, 1e30),
    ] {
        let face = framed.crop_face(&unusable, 48);
        assert_eq!(face.pixels(), [50; 48 * 48], "{unusable}");
    }
}

#[test]
fn photo_of_one_pixel_gives_its_level() {
    let dot = photo(1, 1, |_, _| 77);
    for face_box in [square(0.0, 0.0, 1.1), square(-2.0, -2.0, 5.0)] {
        assert_eq!(dot.crop_face(&face_box, 48).pixels(), [77; 48 * 48]);
    }
}

proptest! {
    /// The filter overshoots at edges, but by less than a fifth of the contrast per axis.
    #[test]
    fn levels_of_any_crop_are_near_range_of_photo(
        (width, height) in (1_usize..60, 1_usize..60),
        numbers in prop_oneof![
            prop::array::uniform4(-80.0_f32..80.0),
            prop::array::uniform4(any::<f32>()),
            prop::array::uniform4(-700.0_f32..700.0),
        ],
        side in 1_usize..70,
    ) {
        let noise = photo(width, height, |x, y| u8::try_from(110 + (x * 31 + y * 17) % 40).unwrap());
        let [x, y, width, height] = numbers;
        let face = noise.crop_face(&BoundingBox { x, y, width, height }, side);
        prop_assert_eq!(face.side(), side);
        prop_assert!(face.pixels().iter().all(|level| (92..168).contains(level)));
    }

    /// Rounding of the shifted position may change a level by one.
    #[test]
    fn crop_of_colours_equals_crop_of_gray_levels(
        (width, height) in (8_usize..200, 8_usize..200),
        (left, top, length) in (-20.0_f32..150.0, -20.0_f32..150.0, 1.0_f32..150.0),
        side in 6_usize..60,
    ) {
        let level = |x: usize, y: usize, factor: usize| (x * factor + y * 17) as u8;
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let pixels = places.map(|(x, y)| [level(x, y, 31), level(x, y, 7), level(x, y, 91)]);
        let colors = ColorImage::new(width, height, pixels.collect()).unwrap();
        let face_box = square(left, top, length);
        let expected = colors.to_gray().crop_face(&face_box, side);
        let cropped = colors.crop_face(&face_box, side);
        let mut pairs = cropped.pixels().iter().zip(expected.pixels());
        prop_assert!(pairs.all(|(a, b)| a.abs_diff(*b) <= 1));
    }
}
