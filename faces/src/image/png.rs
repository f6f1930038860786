//! Decodes PNG files row by row to gray, and reads their orientation.

mod chunks;

use std::io::Cursor;

use png::{BitDepth, ColorType, DecodingError, InterlaceInfo, Transformations};

use self::chunks::Chunks;
use super::{
    DecodedImage, ImageError, error::Result, format::Format, header::Header, luma::luma,
    metadata::Metadata,
};

/// Reads the size of an image. [`decode`] takes two gray images (one for the orientation) and a few rows.
///
/// # Errors
/// Returns an error if the file does not begin with a header chunk, or is of an unsupported kind.
pub(super) fn header(bytes: &[u8]) -> Result<Header> {
    let first = Chunks::new(bytes).next();
    let (name, content) = first.ok_or_else(|| Format::Png.truncated())?;
    if name == *b"CgBI" {
        return Err(Format::Png.unsupported("CgBI, Apple's format for iOS apps"));
    }
    match content {
        [a, b, c, d, e, f, g, h, ..] if name == *b"IHDR" => Ok(Header::new(
            u32::from_be_bytes([*a, *b, *c, *d]),
            u32::from_be_bytes([*e, *f, *g, *h]),
            2,
        )),
        _ => Err(Format::Png.invalid("the file does not begin with an IHDR chunk")),
    }
}

/// Decodes an image to gray levels as they are stored.
///
/// # Errors
/// Returns an error if the file is invalid or a pixel is missing.
pub(super) fn decode(bytes: &[u8], header: Header) -> Result<(DecodedImage, Metadata)> {
    let metadata = chunks::metadata(bytes)?;
    let limits = png::Limits {
        bytes: bytes.len() + (16 << 20),
    };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(|error| broken(&error))?;
    let (color, depth) = reader.output_color_type();
    let (width, pixels) = (header.width as usize, header.pixels());
    let mut gray = vec![0; pixels];
    let mut line = vec![0; width];
    let mut missing = pixels;
    while missing > 0 {
        let row = reader.next_interlaced_row();
        let row = row.map_err(|error| broken(&error))?;
        let row = row.ok_or_else(|| Format::Png.truncated())?;
        match row.interlace() {
            InterlaceInfo::Null(_) => {
                let start = pixels - missing;
                to_gray(row.data(), color, depth, &mut gray[start..start + width]);
                missing -= width;
            }
            InterlaceInfo::Adam7(info) => {
                let bytes_per_pixel = color.samples() * (depth as usize / 8);
                let line = &mut line[..row.data().len() / bytes_per_pixel];
                to_gray(row.data(), color, depth, line);
                png::expand_interlaced_row(&mut gray, width, line, info, 8);
                missing -= line.len();
            }
        }
    }
    // The remaining bytes have the checksum of the last chunk. They may be missing, because they do not contain pixels.
    match reader.next_row() {
        Err(error) if !is_truncated(&error) => return Err(broken(&error)),
        _ => {}
    }
    let image = Format::Png.image(width, header.height as usize, gray)?;
    Ok((image, metadata))
}

fn is_truncated(error: &DecodingError) -> bool {
    matches!(error, DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof)
}

fn broken(error: &DecodingError) -> ImageError {
    if is_truncated(error) {
        Format::Png.truncated()
    } else {
        Format::Png.invalid(error.to_string())
    }
}

/// Converts a row. Alpha is dropped, not blended.
fn to_gray(row: &[u8], color: ColorType, depth: BitDepth, gray: &mut [u8]) {
    match (color.samples(), depth) {
        (1, BitDepth::Sixteen) => map::<2>(row, gray, |&[high, _]| high),
        (2, BitDepth::Sixteen) => map::<4>(row, gray, |&[high, ..]| high),
        (3, BitDepth::Sixteen) => map::<6>(row, gray, |&[r, _, g, _, b, _]| luma([r, g, b])),
        (4, BitDepth::Sixteen) => map::<8>(row, gray, |&[r, _, g, _, b, ..]| luma([r, g, b])),
        (1, _) => gray.copy_from_slice(row),
        (2, _) => map::<2>(row, gray, |&[level, _]| level),
        (3, _) => map::<3>(row, gray, |&rgb| luma(rgb)),
        _ => map::<4>(row, gray, |&[r, g, b, _]| luma([r, g, b])),
    }
}

fn map<const N: usize>(row: &[u8], gray: &mut [u8], level: impl Fn(&[u8; N]) -> u8) {
    for (gray, pixel) in gray.iter_mut().zip(row.as_chunks().0) {
        *gray = level(pixel);
    }
}
