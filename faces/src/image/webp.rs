//! Decodes WebP files. The decoder gets a file with only the chunks of the first image, because it rejects files whose metadata
//! are missing or truncated.

mod container;

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};

use self::container::Container;
use super::{
    ImageError, Raster, error::Result, format::Format, header::Header, metadata::Metadata,
    pixel::Pixel,
};

/// Reads the size of an image. [`decode`] takes up to four bytes per pixel twice, two images (one for the orientation) and a
/// copy of the compressed pixels.
///
/// # Errors
/// Returns an error if the file has no image.
pub(super) fn header(bytes: &[u8]) -> Result<Header> {
    let container = Container::parse(bytes)?;
    let (width, height) = container.size;
    let (gray, color) = container.bytes_per_pixel();
    Ok(Header::new(width, height, gray, color, bytes.len()))
}

/// Decodes the image, or the first frame of an animation, as it is stored.
///
/// # Errors
/// Returns an error if the file is invalid or a pixel is missing.
pub(super) fn decode<P: Pixel>(bytes: &[u8]) -> Result<(Raster<P>, Metadata)> {
    let container = Container::parse(bytes)?;
    let mut decoder = WebPDecoder::new(Cursor::new(container.first_image()?)).map_err(broken)?;
    let size = decoder.output_buffer_size();
    let mut bytes = vec![0; size.ok_or_else(|| Format::WebP.invalid("the image is too large"))?];
    decoder.read_image(&mut bytes).map_err(broken)?;
    let pixels: Vec<P> = if decoder.has_alpha() {
        let bytes = bytes.as_chunks().0.iter();
        bytes.map(|&[r, g, b, _]| P::from_rgb([r, g, b])).collect()
    } else {
        let bytes = bytes.as_chunks().0.iter();
        bytes.map(|&rgb| P::from_rgb(rgb)).collect()
    };
    let (width, height) = decoder.dimensions();
    let image = Format::WebP.image(width as usize, height as usize, pixels)?;
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
