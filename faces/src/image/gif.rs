//! Decodes the first frame of a GIF. As in Pillow, the image is the logical screen, enlarged to contain the frame.

use std::io::Read;

use gif::{ColorOutput, DecodeOptions, DecodingError};

use super::{ImageError, Raster, error::Result, format::Format, header::Header, pixel::Pixel};

/// The first frame and its place on the screen.
struct FirstFrame<'a> {
    /// Logical screen descriptor and global colour table.
    start: &'a [u8],
    /// The file from the image descriptor on.
    rest: &'a [u8],
    screen: (u32, u32),
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    /// Index of the transparent colour.
    transparent: Option<u8>,
}

impl<'a> FirstFrame<'a> {
    /// Walks the blocks of a file (GIF89a specification) to the first image descriptor. Bytes between blocks are skipped.
    fn find(bytes: &'a [u8]) -> Option<Self> {
        let length = 13 + color_table(*bytes.get(10)?);
        let (start, mut rest) = bytes.split_at_checked(length)?;
        let mut transparent = None;
        loop {
            let (&introducer, after) = rest.split_first()?;
            rest = match introducer {
                b'!' => {
                    if let [0xF9, 4, flags, _, _, index, ..] = after {
                        transparent = (flags & 1 == 1).then_some(*index);
                    }
                    sub_blocks(after.get(1..)?)?
                }
                b',' => break,
                _ => after,
            };
        }
        let field = |bytes: &[u8], at: usize| {
            let field = bytes.get(at..at + 2)?.try_into().ok()?;
            Some(u32::from(u16::from_le_bytes(field)))
        };
        Some(Self {
            start,
            rest,
            screen: (field(start, 6)?, field(start, 8)?),
            left: field(rest, 1)?,
            top: field(rest, 3)?,
            width: field(rest, 5)?,
            height: field(rest, 7)?,
            transparent,
        })
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

/// Reads the size of the image. [`decode`] takes one byte per pixel of the frame and the image.
///
/// # Errors
/// Returns an error if the file has no frame.
pub(super) fn header(bytes: &[u8]) -> Result<Header> {
    let frame = FirstFrame::find(bytes).ok_or_else(|| Format::Gif.truncated())?;
    let width = frame.screen.0.max(frame.left + frame.width);
    let height = frame.screen.1.max(frame.top + frame.height);
    Ok(Header::new(width, height, 2, 4, 0))
}

/// Decodes the first frame.
///
/// # Errors
/// Returns an error if the file is invalid or a pixel is missing.
pub(super) fn decode<P: Pixel>(bytes: &[u8], header: Header) -> Result<Raster<P>> {
    let frame = FirstFrame::find(bytes).ok_or_else(|| Format::Gif.truncated())?;
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    let mut decoder = options
        .read_info(frame.start.chain(frame.rest))
        .map_err(broken)?;
    decoder
        .next_frame_info()
        .map_err(broken)?
        .ok_or_else(|| Format::Gif.truncated())?;
    let mut indices = vec![0; frame.width as usize * frame.height as usize];
    decoder.read_into_buffer(&mut indices).map_err(broken)?;

    let colors: [P; 256] = colors(decoder.palette().ok());
    let background = colors[usize::from(frame.transparent.unwrap_or(0))];
    let (width, frame_width) = (header.width as usize, frame.width as usize);
    let mut pixels = vec![background; header.pixels()];
    let rows = pixels
        .chunks_exact_mut(width.max(1))
        .skip(frame.top as usize);
    for (row, line) in rows.zip(indices.chunks_exact(frame_width.max(1))) {
        for (pixel, &index) in row[frame.left as usize..].iter_mut().zip(line) {
            *pixel = colors[usize::from(index)];
        }
    }
    Format::Gif.image(width, header.height as usize, pixels)
}

/// Returns the pixel per colour index. Without a colour table, indices are gray levels.
fn colors<P: Pixel>(palette: Option<&[u8]>) -> [P; 256] {
    let Some(palette) = palette else {
        return std::array::from_fn(|index| {
            P::from_gray(u8::try_from(index).expect("an index is a byte"))
        });
    };
    let mut colors = [P::zeroed(); 256];
    for (color, &rgb) in colors.iter_mut().zip(palette.as_chunks().0) {
        *color = P::from_rgb(rgb);
    }
    colors
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open")]
fn broken(error: DecodingError) -> ImageError {
    match error {
        DecodingError::UnexpectedEof => Format::Gif.truncated(),
        DecodingError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Format::Gif.truncated()
        }
        other => Format::Gif.invalid(other.to_string()),
    }
}
