//! Pictures through the public door, against what Pillow saw in them (`fixtures/make.py` made both).

use std::{fs, path::PathBuf};

use mien_faces::image::{Face, ImageError, Limits, Picture, decode};
use proptest::prelude::*;

/// Pictures that lose nothing: the gray levels must be Pillow's own.
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

/// Pictures where decoders may round differently.
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

fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::read(folder.join(name)).expect(name)
}

fn picture(name: &str) -> Picture {
    decode(&fixture(name), &Limits::default()).expect(name)
}

/// The largest difference of two gray pictures, in levels.
fn distance(a: &[u8], b: &[u8]) -> u8 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| a.abs_diff(*b))
        .max()
        .unwrap_or(0)
}

fn assert_like_pillow(name: &str, tolerance: u8) {
    let (ours, pillow) = (picture(name), picture(&format!("{name}.gray.png")));
    let sizes = [&ours, &pillow].map(|p| (p.width(), p.height()));
    assert_eq!(sizes[0], sizes[1], "{name}");
    let distance = distance(ours.pixels(), pillow.pixels());
    assert!(distance <= tolerance, "{name} is {distance} levels off");
}

#[test]
fn lossless_pictures_are_what_pillow_sees() {
    for name in LOSSLESS.iter().filter(|name| **name != "mosaic.png") {
        assert_like_pillow(name, 0);
    }
}

#[test]
fn lossy_pictures_are_what_pillow_sees_up_to_rounding() {
    for name in LOSSY {
        assert_like_pillow(name, 2);
    }
}

#[test]
fn resizing_is_within_one_level_of_pillow() {
    let source = picture("mosaic.png");
    for side in [20, 48, 64, 100, 224] {
        let ours: Face = source.to_face(side);
        let pillow = picture(&format!("mosaic.png.{side}.png"));
        assert_eq!((ours.side(), ours.pixels().len()), (side, side * side));
        let distance = distance(ours.pixels(), pillow.pixels());
        assert!(distance <= 1, "side {side} is {distance} levels off");
    }
}

#[test]
fn a_face_of_the_right_size_is_untouched() {
    let square = picture("mosaic.png.48.png");
    assert_eq!(square.to_face(48).pixels(), square.pixels());
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    for name in LOSSLESS.iter().chain(&LOSSY) {
        let bytes = fixture(name);
        for length in 0..bytes.len() {
            let error = decode(&bytes[..length], &Limits::default())
                .expect_err(&format!("{name} cut to {length} of {} bytes", bytes.len()));
            assert!(
                matches!(error, ImageError::Invalid { .. } | ImageError::Unsupported),
                "{name} cut to {length}: {error}"
            );
        }
    }
}

/// A run-length encoded BMP, which Pillow does not write: 4x2 pixels, gray levels 10 and 200.
fn rle_bmp() -> Vec<u8> {
    let runs = [4, 0, 0, 0, 2, 1, 2, 0, 0, 0, 0, 1];
    let palette = [[10, 10, 10, 0], [200, 200, 200, 0]].concat();
    let mut bytes = b"BM".to_vec();
    for field in [54 + 8 + 12, 0, 54 + 8, 40, 4, 2] {
        bytes.extend(u32::to_le_bytes(field));
    }
    bytes.extend([1, 0, 8, 0]);
    for field in [1, 12, 0, 0, 2, 0] {
        bytes.extend(u32::to_le_bytes(field));
    }
    [bytes, palette, runs.to_vec()].concat()
}

#[test]
fn run_length_encoded_bmp_is_read_and_refused_when_cut_off() {
    let bytes = rle_bmp();
    let whole = decode(&bytes, &Limits::default()).unwrap();
    assert_eq!(whole.pixels(), [200, 200, 10, 10, 10, 10, 10, 10]);
    // The last two bytes only say that the picture ends; without them no pixel is missing.
    for length in 0..bytes.len() - 2 {
        assert!(
            decode(&bytes[..length], &Limits::default()).is_err(),
            "cut to {length}"
        );
    }
}

#[test]
fn bytes_behind_the_end_do_no_harm() {
    for name in [
        "rgb.png",
        "rgb.bmp",
        "lossless.webp",
        "baseline.jpg",
        "palette.gif",
    ] {
        let mut bytes = fixture(name);
        bytes.extend_from_slice(b"trailing bytes of some camera");
        let decoded = decode(&bytes, &Limits::default()).unwrap();
        assert_eq!(decoded, picture(name), "{name}");
    }
}

#[test]
fn the_pixel_limit_is_exact() {
    for name in [
        "rgb.png",
        "rgb.bmp",
        "lossless.webp",
        "baseline.jpg",
        "palette.gif",
        "exif6.jpg",
    ] {
        let (bytes, pixels) = (fixture(name), 52 * 37);
        assert!(
            decode(&bytes, &Limits { max_pixels: pixels }).is_ok(),
            "{name}"
        );
        let error = decode(
            &bytes,
            &Limits {
                max_pixels: pixels - 1,
            },
        )
        .unwrap_err();
        assert!(
            matches!(error, ImageError::TooManyPixels { .. }),
            "{name}: {error}"
        );
    }
}

/// A file whose header promises a huge picture: refused by the header, and as too large, not as broken.
#[test]
fn a_huge_header_is_refused_before_anything_is_read() {
    let patched = |name: &str, at: usize, field: &[u8]| {
        let mut bytes = fixture(name);
        bytes[at..at + field.len()].copy_from_slice(field);
        bytes
    };
    let jpeg = fixture("baseline.jpg");
    let frame = jpeg
        .windows(2)
        .position(|marker| marker == [0xFF, 0xC0])
        .unwrap();
    let mut png = patched(
        "rgb.png",
        16,
        &[0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF],
    );
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    for (format, bytes) in [
        ("PNG", png),
        ("JPEG", patched("baseline.jpg", frame + 5, &[0xFF; 4])),
        ("GIF", patched("palette.gif", 6, &[0xFF; 4])),
        (
            "BMP",
            patched("rgb.bmp", 18, &[0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0]),
        ),
        (
            "BMP",
            patched(
                "rgb.bmp",
                18,
                &[0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F],
            ),
        ),
        (
            "WebP",
            patched("exif6.webp", 24, &[0xFF, 0x3F, 0, 0xFF, 0x3F, 0]),
        ),
    ] {
        let error = decode(&bytes, &Limits::default()).unwrap_err();
        assert!(
            matches!(error, ImageError::TooManyPixels { .. }),
            "{format}: {error:?}"
        );
    }
}

/// The checksum of a PNG chunk, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 * (crc & 1))
        })
    })
}

#[test]
fn other_files_are_unsupported() {
    for bytes in [
        &b""[..],
        b"hello",
        b"%PDF-1.7",
        b"II*\0\x08\0\0\0",
        b"<svg/>",
        b"P5 1 1 255 x",
    ] {
        assert_eq!(
            decode(bytes, &Limits::default()),
            Err(ImageError::Unsupported)
        );
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        magic in proptest::sample::select(vec![
            &b""[..], b"\xFF\xD8\xFF", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"RIFF\x40\0\0\0WEBP",
        ]),
        rest in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let _ = decode(&[magic, &rest].concat(), &Limits { max_pixels: 1 << 20 });
    }

    #[test]
    fn damaged_files_never_panic(
        name in proptest::sample::select([&LOSSLESS[..], &LOSSY[..]].concat()),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = fixture(name);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(picture) = decode(&bytes, &Limits { max_pixels: 1 << 20 }) {
            prop_assert_eq!(picture.to_face(48).pixels().len(), 48 * 48);
        }
    }
}
