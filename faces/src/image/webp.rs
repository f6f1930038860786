//! Decodes WebP files. The decoder gets a file with only the chunks of the first image, because it rejects files whose metadata
//! are missing or truncated.

mod container;

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};

use self::container::Container;
use super::{
    DecodedImage, ImageError, error::Result, format::Format, header::Header, luma::luma,
    metadata::Metadata,
};

/// Reads the size of an image. [`decode`] takes up to four bytes per pixel twice, two gray images (one for the orientation) and
/// a copy of the compressed pixels.
///
/// # Errors
/// Returns an error if the file has no image.
pub(super) fn header(bytes: &[u8]) -> Result<Header> {
    let container = Container::parse(bytes)?;
    let (width, height) = container.size;
    let mut header = Header::new(width, height, container.bytes_per_pixel());
    header.memory = header.memory.saturating_add(bytes.len() as u64);
    Ok(header)
}

/// Decodes the image, or the first frame of an animation, to gray levels as they are stored.
///
/// # Errors
/// Returns an error if the file is invalid or a pixel is missing.
pub(super) fn decode(bytes: &[u8]) -> Result<(DecodedImage, Metadata)> {
    let container = Container::parse(bytes)?;
    let mut decoder = WebPDecoder::new(Cursor::new(container.first_image()?)).map_err(broken)?;
    let size = decoder.output_buffer_size();
    let mut pixels = vec![0; size.ok_or_else(|| Format::WebP.invalid("the image is too large"))?];
    decoder.read_image(&mut pixels).map_err(broken)?;
    let gray: Vec<u8> = if decoder.has_alpha() {
        let pixels = pixels.as_chunks().0.iter();
        pixels.map(|&[r, g, b, _]| luma([r, g, b])).collect()
    } else {
        pixels.as_chunks().0.iter().map(|&rgb| luma(rgb)).collect()
    };
    let (width, height) = decoder.dimensions();
    let image = Format::WebP.image(width as usize, height as usize, gray)?;
    Ok((image, container.metadata()))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open")]
fn broken(error: DecodingError) -> ImageError {
    match error {
        DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Format::WebP.truncated()
        }
        DecodingError::UnsupportedFeature(feature) => ImageError::UnsupportedKind {
            format: "WebP",
            feature,
        },
        other => Format::WebP.invalid(other.to_string()),
    }
}
