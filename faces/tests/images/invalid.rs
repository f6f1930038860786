//! Limits, and files that are truncated, damaged or not images.

use mien_faces::image::{ImageError, ImageErrorKind, ImageFile, Limits, decode};
use proptest::prelude::*;

use super::{LOSSLESS, LOSSY, damaged, fixture, image};

/// A file is complete if no pixel is missing. End markers, checksums and metadata may be missing.
#[test]
fn truncated_file_is_rejected_unless_pixels_are_whole() {
    for name in LOSSLESS.iter().chain(&LOSSY) {
        let (bytes, whole) = (fixture(name), image(name));
        let near_end = bytes.len() - 64;
        let lengths = (0..bytes.len()).filter(|length| length % 7 == 0 || *length > near_end);
        for length in lengths {
            match decode(&bytes[..length], &Limits::default()) {
                // The metadata with the orientation are at the end of this file.
                Ok(_) if *name == "exif6.webp" => {}
                Ok(image) => assert!(image == whole, "{name}, first {length} bytes"),
                Err(error) => assert_eq!(error.kind(), ImageErrorKind::Invalid, "{name}: {error}"),
            }
        }
        if name.starts_with("animated") {
            // The first frame is in the first half of the file.
            continue;
        }
        let half = decode(&bytes[..bytes.len() / 2], &Limits::default());
        assert!(half.is_err(), "{name}");
    }
}

#[test]
fn file_without_end_marker_is_complete() {
    for (name, marker) in [
        ("baseline.jpg", 2),
        ("progressive.jpg", 2),
        ("rgb.png", 12),
        ("palette.gif", 1),
    ] {
        let bytes = fixture(name);
        let decoded = decode(&bytes[..bytes.len() - marker], &Limits::default());
        assert_eq!(decoded, Ok(image(name)), "{name}");
    }
}

/// Decoders fill up missing rows without an error if the end marker follows.
#[test]
fn truncated_jpeg_with_end_marker_is_rejected() {
    for name in ["baseline.jpg", "gray.jpg", "cmyk.jpg"] {
        let bytes = fixture(name);
        for missing in [3, 4, 10, 100] {
            let cut = [&bytes[..bytes.len() - missing], b"\xFF\xD9"].concat();
            let decoded = decode(&cut, &Limits::default());
            assert!(
                decoded.is_err() || decoded == Ok(image(name)),
                "{name} without {missing} bytes"
            );
        }
        let cut = [&bytes[..bytes.len() - 40], b"\xFF\xD9"].concat();
        assert!(decode(&cut, &Limits::default()).is_err(), "{name}");
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
fn run_length_encoded_bmp_decodes_unless_truncated() {
    let bytes = rle_bmp();
    let whole = decode(&bytes, &Limits::default()).unwrap();
    assert_eq!(whole.pixels(), [200, 200, 10, 10, 10, 10, 10, 10]);
    // The last two bytes only mark the end of the image; without them no pixel is missing.
    for length in 0..bytes.len() - 2 {
        assert!(
            decode(&bytes[..length], &Limits::default()).is_err(),
            "first {length} bytes"
        );
    }
}

#[test]
fn trailing_bytes_are_ignored() {
    for name in [
        "rgb.png",
        "rgb.bmp",
        "lossless.webp",
        "baseline.jpg",
        "palette.gif",
    ] {
        let mut bytes = fixture(name);
        bytes.extend_from_slice(b"trailing bytes");
        let decoded = decode(&bytes, &Limits::default()).unwrap();
        assert_eq!(decoded, image(name), "{name}");
    }
}

#[test]
fn pixel_limit_is_exact() {
    for name in [
        "rgb.png",
        "rgb.bmp",
        "lossless.webp",
        "baseline.jpg",
        "palette.gif",
        "exif6.jpg",
    ] {
        let (bytes, pixels) = (fixture(name), 52 * 37);
        assert!(decode(&bytes, &limits(pixels)).is_ok(), "{name}");
        let error = decode(&bytes, &limits(pixels - 1)).unwrap_err();
        assert!(
            matches!(error, ImageError::TooManyPixels { .. }),
            "{name}: {error}"
        );
    }
}

/// The header alone must lead to the error, and the error must be "too many pixels" instead of "invalid".
#[test]
fn huge_size_in_header_is_rejected_as_too_large() {
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

/// Returns the checksum of a PNG chunk.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 * (crc & 1))
        })
    })
}

#[test]
fn other_bytes_are_not_an_image() {
    for bytes in [&b"hello"[..], b"%PDF-1.7", b"<svg/>", b"P5 1 1 255 x"] {
        let error = decode(bytes, &Limits::default()).unwrap_err();
        assert_eq!(error, ImageError::NotAnImage);
        assert_eq!(error.kind(), ImageErrorKind::Invalid);
    }
    assert_eq!(decode(b"", &Limits::default()), Err(ImageError::Empty));
}

#[test]
fn other_formats_are_unsupported_and_named() {
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    for (bytes, name) in [
        (&b"II*\0\x08\0\0\0"[..], "TIFF"),
        (heic, "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1Cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x1Cftypavif\0\0\0\0avifmif1miaf", "AVIF"),
        (b"\xFF\x0A", "JPEG XL"),
    ] {
        let error = decode(bytes, &Limits::default()).unwrap_err();
        assert_eq!(error.kind(), ImageErrorKind::Unsupported);
        assert!(
            error.to_string().starts_with(&format!("{name} ")),
            "{error}"
        );
    }
    let error = decode(heic, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("Most Compatible"), "{error}");
}

/// Returns a BMP of this size with white pixels and one bit per pixel.
fn bitmap(width: u32, height: u32) -> Vec<u8> {
    let size = usize::try_from(width.div_ceil(32) * 4 * height).unwrap();
    let mut bytes = b"BM".to_vec();
    for field in [0, 0, 62, 40, width, height] {
        bytes.extend(u32::to_le_bytes(field));
    }
    bytes.extend([1, 0, 1, 0]);
    bytes.extend([0; 24]);
    bytes.extend([0, 0, 0, 0, 255, 255, 255, 0]);
    bytes.resize(62 + size, 255);
    bytes
}

#[test]
fn sides_and_their_ratio_are_limited() {
    for (width, height, is_accepted) in [
        (100, 1, true),
        (1, 100, true),
        (32_768, 328, true),
        (101, 1, false),
        (1, 101, false),
        (32_769, 400, false),
    ] {
        let result = decode(&bitmap(width, height), &Limits::default());
        match result {
            Ok(image) => {
                assert!(is_accepted, "{width}x{height}");
                assert_eq!(image.to_face(48).pixels(), [255; 48 * 48]);
            }
            Err(error) => {
                assert!(!is_accepted, "{error}");
                assert_eq!(error.kind(), ImageErrorKind::TooLarge);
            }
        }
    }
}

#[test]
fn decoder_memory_is_limited() {
    let bytes = fixture("progressive.jpg");
    let max_memory = ImageFile::open(&bytes, &Limits::default())
        .unwrap()
        .memory();
    let limits = |max_memory| Limits {
        max_memory,
        ..Limits::default()
    };
    assert!(decode(&bytes, &limits(max_memory)).is_ok());
    let error = decode(&bytes, &limits(max_memory - 1)).unwrap_err();
    assert!(matches!(error, ImageError::TooMuchMemory { .. }), "{error}");
}

/// Returns limits on the number of pixels only.
fn limits(max_pixels: u64) -> Limits {
    Limits {
        max_pixels,
        ..Limits::default()
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(
        magic in proptest::sample::select(vec![
            &b""[..], b"\xFF\xD8\xFF", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"RIFF\x40\0\0\0WEBP",
        ]),
        rest in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let _ = decode(&[magic, &rest].concat(), &limits(1 << 20));
    }

    #[test]
    fn damaged_files_do_not_panic(
        name in proptest::sample::select([&LOSSLESS[..], &LOSSY[..]].concat()),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let bytes = damaged(name, damage);
        if let Ok(image) = decode(&bytes, &limits(1 << 20)) {
            prop_assert_eq!(image.to_face(48).pixels().len(), 48 * 48);
        }
    }
}
