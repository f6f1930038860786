//! Reads image containers without decoding: the declared size, and whether the file is complete. It is hand-written, because the
//! decoders accept truncated files and fill up the missing rows.

use super::format::Format;

/// Returns the columns and rows in the header, for formats whose decoders reject a huge size with an error that does not
/// contain it. The other decoders return the size before they allocate memory.
pub(crate) fn declared_size(format: Format, bytes: &[u8]) -> Option<(u32, u32)> {
    let field = |at: usize| bytes.get(at..at + 4)?.try_into().ok();
    match format {
        Format::Png => Some((
            u32::from_be_bytes(field(16)?),
            u32::from_be_bytes(field(20)?),
        )),
        // The 12-byte header of OS/2 has 16-bit sizes, which cannot be too large.
        Format::Bmp if bytes.get(14) == Some(&12) => None,
        // A negative height means that the top row is first.
        Format::Bmp => Some((
            i32::from_le_bytes(field(18)?).unsigned_abs(),
            i32::from_le_bytes(field(22)?).unsigned_abs(),
        )),
        Format::Jpeg | Format::Gif | Format::WebP => None,
    }
}

/// Returns whether the file contains the end marker of its format: EOI in JPEG, IEND in PNG, the trailer in GIF, the length in
/// the RIFF header of WebP. BMP has no marker, but its decoder rejects missing rows.
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
        // Skip entropy-coded data and fill bytes up to the next marker that is not a stuffed zero.
        let at = rest
            .windows(2)
            .position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xFF))?;
        let marker = rest[at + 1];
        rest = &rest[at + 2..];
        match marker {
            EOI => return Some(()),
            // TEM, RSTn and SOI have no payload.
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

/// Returns the size of a colour table in bytes, given the packed field of its descriptor.
fn color_table(packed: u8) -> usize {
    if packed & 0x80 == 0 {
        0
    } else {
        3 << ((packed & 0x07) + 1)
    }
}

/// Skips a chain of length-prefixed sub-blocks.
fn sub_blocks(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let length = usize::from(*rest.first()?);
        rest = rest.get(1 + length..)?;
        if length == 0 {
            return Some(rest);
        }
    }
}

/// Checks that a WebP file is as long as its RIFF header says.
fn webp(bytes: &[u8]) -> Option<()> {
    let length = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?);
    bytes.get(8..)?.get(..usize::try_from(length).ok()?)?;
    Some(())
}
