//! Decodes PNG files row by row, and reads their orientation.

mod chunks;

use std::io::Cursor;

use png::{Adam7Info, BitDepth, ColorType, DecodingError, InterlaceInfo, Transformations};

use self::chunks::Chunks;
use super::{
    ImageError, Raster, error::Result, format::Format, header::Header, metadata::Metadata,
    pixel::Pixel,
};

/// Reads the size of an image. [`decode`] takes two images (one for the orientation) and a few rows.
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
            6,
            0,
        )),
        _ => Err(Format::Png.invalid("the file does not begin with an IHDR chunk")),
    }
}

/// Decodes an image as it is stored.
///
/// # Errors
/// Returns an error if the file is invalid or a pixel is missing.
pub(super) fn decode<P: Pixel>(bytes: &[u8], header: Header) -> Result<(Raster<P>, Metadata)> {
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
    let (width, count) = (header.width as usize, header.pixels());
    let mut pixels = vec![P::zeroed(); count];
    let mut line = vec![P::zeroed(); width];
    let mut missing = count;
    while missing > 0 {
        let row = reader.next_interlaced_row();
        let row = row.map_err(|error| broken(&error))?;
        let row = row.ok_or_else(|| Format::Png.truncated())?;
        match row.interlace() {
            InterlaceInfo::Null(_) => {
                let start = count - missing;
                convert(row.data(), color, depth, &mut pixels[start..start + width]);
                missing -= width;
            }
            InterlaceInfo::Adam7(info) => {
                let bytes_per_pixel = color.samples() * (depth as usize / 8);
                let line = &mut line[..row.data().len() / bytes_per_pixel];
                convert(row.data(), color, depth, line);
                expand(&mut pixels, width, line, info);
                missing -= line.len();
            }
        }
    }
    // The remaining bytes have the checksum of the last chunk. They may be missing, because they do not contain pixels.
    match reader.next_row() {
        Err(error) if !is_truncated(&error) => return Err(broken(&error)),
        _ => {}
    }
    let image = Format::Png.image(width, header.height as usize, pixels)?;
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
fn convert<P: Pixel>(row: &[u8], color: ColorType, depth: BitDepth, pixels: &mut [P]) {
    let (gray, rgb) = (P::from_gray, P::from_rgb);
    match (color.samples(), depth) {
        (1, BitDepth::Sixteen) => map(row, pixels, |&[high, _]| gray(high)),
        (2, BitDepth::Sixteen) => map(row, pixels, |&[high, _, _, _]| gray(high)),
        (3, BitDepth::Sixteen) => map(row, pixels, |&[r, _, g, _, b, _]| rgb([r, g, b])),
        (4, BitDepth::Sixteen) => map(row, pixels, |&[r, _, g, _, b, _, _, _]| rgb([r, g, b])),
        (1, _) => map(row, pixels, |&[level]| gray(level)),
        (2, _) => map(row, pixels, |&[level, _]| gray(level)),
        (3, _) => map(row, pixels, |&[r, g, b]| rgb([r, g, b])),
        _ => map(row, pixels, |&[r, g, b, _]| rgb([r, g, b])),
    }
}

fn map<P, const N: usize>(row: &[u8], pixels: &mut [P], pixel: impl Fn(&[u8; N]) -> P) {
    for (target, source) in pixels.iter_mut().zip(row.as_chunks().0) {
        *target = pixel(source);
    }
}

/// Writes a row of an interlaced image to its places among `width` columns.
fn expand<P: Pixel>(pixels: &mut [P], width: usize, row: &[P], info: &Adam7Info) {
    let size = size_of::<P>();
    let bits = u8::try_from(8 * size).expect("a pixel has one or three bytes");
    let (pixels, row) = (bytemuck::cast_slice_mut(pixels), bytemuck::cast_slice(row));
    png::expand_interlaced_row(pixels, width * size, row, info, bits);
}
