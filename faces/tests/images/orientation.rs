//! The orientation is applied from each place where Pillow reads it.

use flate2::{Compression, write::ZlibEncoder};
use mien_faces::image::{Limits, decode};
use std::io::Write;

use super::{fixture, image};

/// A TIFF structure with the orientation 6 as its only entry.
const EXIF: &[u8] = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
const XMP: &[u8] = br#"<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>"#;

/// Returns a PNG chunk. The decoder ignores the checksums of metadata.
pub(super) fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut checksum = flate2::Crc::new();
    checksum.update(name);
    checksum.update(content);
    let length = u32::try_from(content.len()).unwrap();
    [
        &length.to_be_bytes()[..],
        name,
        content,
        &checksum.sum().to_be_bytes(),
    ]
    .concat()
}

pub(super) fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn profile() -> Vec<u8> {
    let hex: String = EXIF.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\nexif\n{:8}\n{hex}\n", EXIF.len()).into_bytes()
}

#[test]
fn png_orientation_is_read_from_all_chunks() {
    let (plain, upright) = (fixture("rgb.png"), image("exif6.png.gray.png"));
    let text = |keyword: &str, middle: &[u8], content: &[u8]| {
        [keyword.as_bytes(), b"\0", middle, content].concat()
    };
    let exif = "Raw profile type exif";
    let chunks = [
        chunk(b"eXIf", EXIF),
        chunk(b"tEXt", &text(exif, b"", &profile())),
        chunk(b"zTXt", &text(exif, b"\0", &compress(&profile()))),
        chunk(b"iTXt", &text(exif, b"\0\0\0\0", &profile())),
        chunk(b"iTXt", &text("XML:com.adobe.xmp", b"\0\0\0\0", XMP)),
        chunk(
            b"iTXt",
            &text("XML:com.adobe.xmp", b"\x01\0\0\0", &compress(XMP)),
        ),
    ];
    let after_header = 8 + 25;
    let before_end = plain.len() - 12;
    for (index, chunk) in chunks.iter().enumerate() {
        for place in [after_header, before_end] {
            let file = [&plain[..place], chunk, &plain[place..]].concat();
            let decoded = decode(&file, &Limits::default()).unwrap();
            assert!(decoded == upright, "chunk {index} at byte {place}");
        }
    }
}

#[test]
fn jpeg_orientation_is_read_from_exif_and_xmp() {
    let (plain, upright) = (fixture("baseline.jpg"), image("exif6.jpg"));
    let segment = |content: &[u8]| {
        let length = u16::try_from(content.len() + 2).unwrap();
        [b"\xFF\xE1", &length.to_be_bytes()[..], content].concat()
    };
    let exif = segment(&[b"Exif\0\0", EXIF].concat());
    let split = [
        segment(&[b"Exif\0\0", &EXIF[..9]].concat()),
        segment(&[b"Exif\0\0", &EXIF[9..]].concat()),
    ];
    let xmp = segment(&[b"http://ns.adobe.com/xap/1.0/\0", XMP].concat());
    for (name, segments) in [("EXIF", exif), ("split EXIF", split.concat()), ("XMP", xmp)] {
        let file = [&plain[..2], &segments, &plain[2..]].concat();
        let decoded = decode(&file, &Limits::default()).unwrap();
        assert!(decoded == upright, "{name}");
    }
}

#[test]
fn metadata_bomb_in_png_is_not_decompressed() {
    let plain = fixture("rgb.png");
    let zeros = compress(&vec![0; 64 << 20]);
    let bombs = [
        chunk(b"iCCP", &[b"profile\0\0", &zeros[..]].concat()),
        chunk(b"zTXt", &[b"Comment\0\0", &zeros[..]].concat()),
        chunk(
            b"zTXt",
            &[b"Raw profile type exif\0\0", &zeros[..]].concat(),
        ),
    ];
    for bomb in bombs {
        let file = [&plain[..33], &bomb, &plain[33..]].concat();
        assert_eq!(decode(&file, &Limits::default()).unwrap(), image("rgb.png"));
    }
}
