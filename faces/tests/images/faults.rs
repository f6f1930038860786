//! Files from fault reports: whole files that decoders reject or decode incorrectly. `plain.*` are the same images without the
//! peculiarity.

use mien_faces::image::{DecodedImage, ImageError, ImageErrorKind, Limits, decode};

use super::fixture;

fn decode_fault(name: &str) -> Result<DecodedImage, ImageError> {
    decode(&fixture(&format!("faults/{name}")), &Limits::default())
}

#[test]
fn whole_file_with_unusual_structure_is_decoded() {
    for name in [
        "plain.gif",
        "no_trailer.gif",
        "nul_between.gif",
        "nul_trailer.gif",
        "os2v2_64.bmp",
        "planes0.bmp",
        "exif_flag_without_chunk.webp",
    ] {
        assert!(decode_fault(name) == decode_fault("plain.png"), "{name}");
    }
}

/// The files `*.gray.png` have the gray levels of Pillow (13.0.0).
#[test]
fn jpeg_with_unusual_sampling_equals_pillow() {
    for name in ["noninterleaved_420_48.jpg", "panic_48.jpg"] {
        let pillow = decode_fault(&format!("{name}.gray.png"));
        assert!(decode_fault(name) == pillow, "{name}");
    }
}

#[test]
fn unsupported_kind_of_file_is_named() {
    for (name, feature) in [
        (
            "arithmetic.jpg",
            "this kind of JPEG is not supported: arithmetic coding",
        ),
        ("cgbi.png", "this kind of PNG is not supported: CgBI"),
    ] {
        let error = decode_fault(name).unwrap_err();
        assert_eq!(error.kind(), ImageErrorKind::Unsupported, "{name}");
        assert!(error.to_string().starts_with(feature), "{error}");
    }
}

#[test]
fn orientation_in_unusual_chunk_is_applied() {
    for name in ["exif_after_idat_6.png", "exif_rawprofile_6.png"] {
        let (plain, image) = (
            decode_fault("plain.png").unwrap(),
            decode_fault(name).unwrap(),
        );
        // Orientation 6 means that the first column is the bottom row.
        let rotated = |x: usize, y: usize| plain.pixels()[(47 - x) * 48 + y];
        for (place, &level) in image.pixels().iter().enumerate() {
            assert_eq!(level, rotated(place % 48, place / 48), "{name}");
        }
    }
}

#[test]
fn frame_larger_than_screen_enlarges_image() {
    for name in ["frame_600_screen_48.gif", "frame_600_screen_48_comment.gif"] {
        let image = decode_fault(name).unwrap();
        assert_eq!((image.width(), image.height()), (600, 600), "{name}");
    }
    let error = decode_fault("frame_9000_screen_48.gif").unwrap_err();
    assert!(
        matches!(error, ImageError::TooManyPixels { width: 9000, .. }),
        "{error}"
    );
}

#[test]
fn palette_of_invalid_length_is_rejected() {
    let mut bytes = fixture("palette.png");
    let at = bytes.windows(4).position(|name| name == b"PLTE").unwrap();
    let length = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap()) - 1;
    bytes[at - 4..at].copy_from_slice(&length.to_be_bytes());
    bytes.remove(at + 4);
    let error = decode(&bytes, &Limits::default()).unwrap_err();
    assert_eq!(error.kind(), ImageErrorKind::Invalid);
}
