//! Limits, and files that are truncated, damaged or not images.

use mien_faces::image::{ImageError, Limits, decode};
use proptest::prelude::*;

use super::{LOSSLESS, LOSSY, fixture, image};

#[test]
fn truncated_file_is_rejected() {
    for name in LOSSLESS.iter().chain(&LOSSY) {
        let bytes = fixture(name);
        for length in 0..bytes.len() {
            let error = decode(&bytes[..length], &Limits::default())
                .expect_err(&format!("{name}, first {length} of {} bytes", bytes.len()));
            assert!(
                matches!(error, ImageError::Invalid { .. } | ImageError::Unsupported),
                "{name}, first {length} bytes: {error}"
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
fn other_formats_are_unsupported() {
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
    fn arbitrary_bytes_do_not_panic(
        magic in proptest::sample::select(vec![
            &b""[..], b"\xFF\xD8\xFF", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"RIFF\x40\0\0\0WEBP",
        ]),
        rest in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let _ = decode(&[magic, &rest].concat(), &Limits { max_pixels: 1 << 20 });
    }

    #[test]
    fn damaged_files_do_not_panic(
        name in proptest::sample::select([&LOSSLESS[..], &LOSSY[..]].concat()),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = fixture(name);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(image) = decode(&bytes, &Limits { max_pixels: 1 << 20 }) {
            prop_assert_eq!(image.to_face(48).pixels().len(), 48 * 48);
        }
    }
}
