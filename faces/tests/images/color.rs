//! Colours of images. Their gray levels are those of [`decode`](mien_faces::image::decode), which other modules compare with Pillow.

use mien_faces::image::{ColorImage, ImageError, ImageErrorKind, ImageFile, Limits};
use proptest::prelude::*;

use super::{
    LOSSLESS, LOSSY, damaged, fixture,
    jpeg::cases,
    orientation::{chunk, compress},
};

/// Decodes a file to colours and to gray, and checks that both decoders agree.
fn checked(name: &str, bytes: &[u8]) -> Result<ColorImage, ImageError> {
    let file = ImageFile::open(bytes, &Limits::default())?;
    match (file.decode_color(), file.decode_with_size()) {
        (Ok((color, color_size)), Ok((gray, gray_size))) => {
            assert!(color.to_gray() == gray, "{name}");
            assert_eq!(color_size, gray_size, "{name}");
            Ok(color)
        }
        (Err(color), Err(gray)) => {
            assert_eq!(color, gray, "{name}");
            Err(color)
        }
        (color, gray) => panic!("{name}: {:?}, {:?}", color.err(), gray.err()),
    }
}

fn color(name: &str) -> ColorImage {
    checked(name, &fixture(name)).expect(name)
}

#[test]
fn colors_have_gray_levels_of_gray_decoder() {
    for name in LOSSLESS.iter().chain(&LOSSY) {
        color(name);
    }
    for case in cases() {
        // The gray decoder rejects the same files.
        let _ = checked(&case.name, &case.file);
    }
}

#[test]
fn formats_without_loss_have_equal_colors() {
    let png = color("rgb.png");
    assert!(png.pixels().iter().any(|[r, g, b]| r != g && g != b));
    for name in ["rgb.bmp", "lossless.webp"] {
        assert!(color(name) == png, "{name}");
    }
    let palette = color("palette.png");
    for name in ["palette.bmp", "palette.gif"] {
        assert!(color(name) == palette, "{name}");
    }
}

#[test]
fn jpeg_colors_are_near_those_of_png() {
    let png = color("rgb.png");
    for name in ["baseline.jpg", "progressive.jpg", "cmyk.jpg", "lossy.webp"] {
        let lossy = color(name);
        let levels = |image: &ColorImage| image.pixels().as_flattened().to_vec();
        let pairs = levels(&png).into_iter().zip(levels(&lossy));
        let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(b))).sum();
        let mean = sum as f64 / levels(&png).len() as f64;
        assert!(mean < 12.0, "{name} differs by {mean} on average");
    }
}

#[test]
fn gray_file_has_equal_channels() {
    for name in ["gray.jpg", "grayalpha.png", "bits.png", "mosaic.png"] {
        let image = color(name);
        assert!(image == image.to_gray().to_color(), "{name}");
    }
}

/// Orientation 6 means that the first column is the bottom row.
#[test]
fn orientation_is_applied_to_colors() {
    let (plain, upright) = (color("rgb.png"), color("exif6.png"));
    assert_eq!(
        (upright.width(), upright.height()),
        (plain.height(), plain.width())
    );
    for (place, &pixel) in upright.pixels().iter().enumerate() {
        let (x, y) = (place % upright.width(), place / upright.width());
        let source = (plain.height() - 1 - x) * plain.width() + y;
        assert_eq!(pixel, plain.pixels()[source]);
    }
}

/// Columns and rows of the passes of interlaced files: first ones and distances (PNG specification, section 8.2).
const PASSES: [[usize; 4]; 7] = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
];

#[test]
fn interlaced_png_equals_plain_png() {
    let plain = color("rgb.png");
    let mut rows = Vec::new();
    for [left, top, columns, lines] in PASSES {
        for y in (top..plain.height()).step_by(lines) {
            rows.push(0);
            let row = &plain.pixels()[y * plain.width()..][..plain.width()];
            rows.extend(row.iter().skip(left).step_by(columns).flatten());
        }
    }
    let side = |side: usize| u32::try_from(side).unwrap().to_be_bytes();
    let size = [side(plain.width()), side(plain.height())].concat();
    let file = [
        &b"\x89PNG\r\n\x1a\n"[..],
        &chunk(b"IHDR", &[&size[..], &[8, 2, 0, 0, 1]].concat()),
        &chunk(b"IDAT", &compress(&rows)),
        &chunk(b"IEND", b""),
    ]
    .concat();
    assert!(checked("interlaced", &file).unwrap() == plain);
}

#[test]
fn memory_of_colors_is_limited() {
    for name in LOSSLESS.iter().chain(&LOSSY) {
        let bytes = fixture(name);
        let file = ImageFile::open(&bytes, &Limits::default()).unwrap();
        let max_memory = file.color_memory() - 1;
        assert!(file.memory() <= max_memory, "{name}");
        let limits = Limits {
            max_memory,
            ..Limits::default()
        };
        let file = ImageFile::open(&bytes, &limits).unwrap();
        assert!(file.decode().is_ok(), "{name}");
        let error = file.decode_color().unwrap_err();
        assert_eq!(error.kind(), ImageErrorKind::TooLarge, "{name}");
    }
}

proptest! {
    #[test]
    fn damaged_file_has_same_gray_levels_in_color(
        name in proptest::sample::select([&LOSSLESS[..], &LOSSY[..]].concat()),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let bytes = damaged(name, damage);
        let limits = Limits { max_pixels: 1 << 20, ..Limits::default() };
        if ImageFile::open(&bytes, &limits).is_ok() {
            let _ = checked(name, &bytes);
        }
    }

    #[test]
    fn gray_image_in_color_has_same_gray_levels(
        width in 1_usize..40,
        levels in proptest::collection::vec(any::<u8>(), 40..400),
    ) {
        let height = levels.len() / width;
        let levels = levels[..width * height].to_vec();
        let gray = mien_faces::image::DecodedImage::new(width, height, levels).unwrap();
        prop_assert_eq!(gray.to_color().to_gray(), gray);
    }
}
