//! JPEG files of many kinds are decoded exactly like Pillow decodes them, or rejected. `fixtures/jpeg/make.py` created them.

use std::io::Read;

use flate2::read::ZlibDecoder;
use mien_faces::image::{ImageErrorKind, Limits, decode};
use sha2::{Digest, Sha256};

use super::fixture;

/// A file and the SHA-256 of its gray levels in Pillow, which is zero if Pillow rejects the file.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) file: Vec<u8>,
    digest: [u8; 32],
}

pub(super) fn cases() -> Vec<Case> {
    let mut bytes = Vec::new();
    let compressed = fixture("jpeg/sweep.zlib");
    ZlibDecoder::new(compressed.as_slice())
        .read_to_end(&mut bytes)
        .unwrap();
    let mut rest = bytes.as_slice();
    let mut cases = Vec::new();
    while !rest.is_empty() {
        let mut part = || {
            let (length, after) = rest.split_first_chunk().unwrap();
            let (part, after) = after.split_at(u32::from_le_bytes(*length) as usize);
            rest = after;
            part.to_vec()
        };
        let (name, file) = (String::from_utf8(part()).unwrap(), part());
        let (digest, after) = rest.split_first_chunk().unwrap();
        rest = after;
        cases.push(Case {
            name,
            file,
            digest: *digest,
        });
    }
    cases
}

#[test]
fn sampling_factors_and_scans_are_decoded_or_unsupported() {
    let cases = cases();
    let mut decoded = 0;
    for Case { name, file, digest } in &cases {
        match decode(file, &Limits::default()) {
            Ok(image) => {
                assert_eq!(Sha256::digest(image.pixels())[..], digest[..], "{name}");
                decoded += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), ImageErrorKind::Unsupported, "{name}: {error}");
                assert_eq!(*digest, [0; 32], "{name}: {error}");
            }
        }
    }
    assert!(decoded > cases.len() / 2, "{decoded} of {}", cases.len());
}

#[test]
fn truncated_scan_is_rejected_unless_pixels_are_whole() {
    for Case { name, file, .. } in cases().iter().step_by(23) {
        let Ok(whole) = decode(file, &Limits::default()) else {
            continue;
        };
        for length in 0..file.len() {
            if let Ok(image) = decode(&file[..length], &Limits::default()) {
                assert_eq!(image, whole, "{name}, first {length} bytes");
            }
        }
    }
}
