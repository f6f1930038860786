//! What a file's container tells without decoding: the size it declares, and whether it reaches its own end.

use super::format::Format;

/// The columns and rows in the header, for the formats whose decoders answer an absurd size with an
/// error that does not tell it. The other decoders give the size before they allocate anything.
pub(crate) fn declared_size(format: Format, bytes: &[u8]) -> Option<(u32, u32)> {
    let field = |at: usize| bytes.get(at..at + 4)?.try_into().ok();
    match format {
        Format::Png => Some((
            u32::from_be_bytes(field(16)?),
            u32::from_be_bytes(field(20)?),
        )),
        // The 12-byte header of OS/2 has 16-bit sides, which cannot be absurd.
        Format::Bmp if bytes.get(14) == Some(&12) => None,
        // A negative height means rows from the top.
        Format::Bmp => Some((
            i32::from_le_bytes(field(18)?).unsigned_abs(),
            i32::from_le_bytes(field(22)?).unsigned_abs(),
        )),
        Format::Jpeg | Format::Gif | Format::WebP => None,
    }
}

/// Whether the bytes reach the end that their format marks: a JPEG's EOI, a PNG's IEND, a GIF's trailer,
/// the length in a WebP's RIFF header. Decoders fill up what is missing, so this must be asked apart.
/// BMP has no such mark: its decoder fails on missing rows by itself.
pub(crate) fn is_complete(format: Format, bytes: &[u8]) -> bool {
    match format {
        Format::Jpeg => jpeg(bytes).is_some(),
        Format::Png => png(bytes).is_some(),
        Format::Gif => gif(bytes).is_some(),
        Format::WebP => webp(bytes).is_some(),
        Format::Bmp => true,
    }
}

/// Walks the segments of a JPEG (ITU-T T.81, annex B) to the end-of-image marker.
fn jpeg(bytes: &[u8]) -> Option<()> {
    const EOI: u8 = 0xD9;
    let mut rest = bytes.get(2..)?;
    loop {
        // Entropy-coded data and fill bytes: on to the next marker that is no stuffed zero.
        let at = rest
            .windows(2)
            .position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xFF))?;
        let marker = rest[at + 1];
        rest = &rest[at + 2..];
        match marker {
            EOI => return Some(()),
            // TEM, RSTn and SOI stand alone.
            0x01 | 0xD0..=0xD8 => {}
            _ => {
                let length = u16::from_be_bytes([*rest.first()?, *rest.get(1)?]);
                rest = rest.get(usize::from(length)..)?;
            }
        }
    }
}

/// Walks the chunks of a PNG to IEND.
fn png(bytes: &[u8]) -> Option<()> {
    let mut rest = bytes.get(8..)?;
    loop {
        let length = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?);
        let name = rest.get(4..8)?;
        let after = usize::try_from(length).ok()?.checked_add(12)?;
        let chunk = rest.get(..after)?;
        if name == b"IEND" {
            return Some(());
        }
        rest = &rest[chunk.len()..];
    }
}

/// Walks the blocks of a GIF (89a specification) to the trailer.
fn gif(bytes: &[u8]) -> Option<()> {
    let mut rest = bytes.get(13..)?.get(color_table(*bytes.get(10)?)..)?;
    loop {
        match *rest.first()? {
            b';' => return Some(()),
            b'!' => rest = sub_blocks(rest.get(2..)?)?,
            b',' => {
                let data = 10 + color_table(*rest.get(9)?) + 1;
                rest = sub_blocks(rest.get(data..)?)?;
            }
            _ => return None,
        }
    }
}

/// The bytes of a colour table, from the packed field that announces it.
fn color_table(packed: u8) -> usize {
    if packed & 0x80 == 0 {
        0
    } else {
        3 << ((packed & 0x07) + 1)
    }
}

/// What follows a chain of length-prefixed sub-blocks.
fn sub_blocks(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let length = usize::from(*rest.first()?);
        rest = rest.get(1 + length..)?;
        if length == 0 {
            return Some(rest);
        }
    }
}

/// Compares a WebP's length with the one in its RIFF header.
fn webp(bytes: &[u8]) -> Option<()> {
    let length = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?);
    bytes.get(8..)?.get(..usize::try_from(length).ok()?)?;
    Some(())
}
