//! Decodes image files of all formats. The limits are checked on the header, before memory is allocated.

use super::{
    ColorImage, DecodedImage, ImageError, Limits, Raster, bmp,
    format::Format,
    gif,
    header::Header,
    jpeg, mean_side,
    metadata::Metadata,
    orientation::{swaps_axes, upright},
    panics::contain,
    pixel::Pixel,
    png, webp,
};

/// An image file whose header has been read and complies with the limits.
#[derive(Debug, Clone, Copy)]
pub struct ImageFile<'a> {
    bytes: &'a [u8],
    format: Format,
    header: Header,
    limits: Limits,
}

impl<'a> ImageFile<'a> {
    /// Reads the header of a JPEG, PNG, WebP, BMP or GIF. The first bytes determine the format.
    ///
    /// # Errors
    /// Returns an error of kind [`Unsupported`](super::ImageErrorKind::Unsupported) for other formats and for kinds of files that
    /// are not implemented, [`TooLarge`](super::ImageErrorKind::TooLarge) if the image exceeds a limit, and
    /// [`Invalid`](super::ImageErrorKind::Invalid) if the header is invalid.
    pub fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, ImageError> {
        let format = Format::detect(bytes)?;
        let header = contained(format, || match format {
            Format::Jpeg => jpeg::header(bytes),
            Format::Png => png::header(bytes),
            Format::WebP => webp::header(bytes),
            Format::Bmp => bmp::header(bytes),
            Format::Gif => gif::header(bytes),
        })?;
        limits.check(format, header)?;
        Ok(Self {
            bytes,
            format,
            header,
            limits: *limits,
        })
    }

    /// Returns an upper bound of the bytes that [`Self::decode`] allocates, without constant amounts of less than 1 MiB.
    pub fn memory(&self) -> u64 {
        self.header.memory
    }

    /// Returns an upper bound of the bytes that [`Self::decode_color`] and a following [`ColorImage::to_gray`] allocate at the same
    /// time, without constant amounts of less than 1 MiB.
    pub fn color_memory(&self) -> u64 {
        self.header.color_memory
    }

    /// Returns the number of pixels, width times height.
    pub fn pixels(&self) -> usize {
        self.header.pixels()
    }

    /// Returns the geometric mean of columns and rows: the side of a square with as many pixels.
    pub fn mean_side(&self) -> f32 {
        mean_side(self.pixels())
    }

    /// Returns columns and rows as they are stored, before the orientation of the metadata is applied.
    pub fn size(&self) -> (usize, usize) {
        (self.header.width as usize, self.header.height as usize)
    }

    /// Decodes the image (of a GIF or an animated WebP the first frame) to upright 8-bit grayscale like Keras and Pillow: the
    /// orientation of the metadata is applied, alpha is dropped, luma is BT.601, and 16-bit samples are scaled to 8 bits. JPEG
    /// images of more than 16 million pixels are reduced.
    ///
    /// # Errors
    /// Returns an error if the file is invalid, a pixel is missing, or the file is of a kind that is not implemented.
    pub fn decode(&self) -> Result<DecodedImage, ImageError> {
        self.decode_with_size().map(|(image, _)| image)
    }

    /// Decodes the image like [`Self::decode`], and returns the columns and rows of the upright image before it was reduced.
    ///
    /// # Errors
    /// Returns the errors of [`Self::decode`].
    pub fn decode_with_size(&self) -> Result<(DecodedImage, (usize, usize)), ImageError> {
        self.decode_pixels()
    }

    /// Decodes the image like [`Self::decode_with_size`], but to colours. Gray files have equal red, green and blue.
    ///
    /// # Errors
    /// Returns the errors of [`Self::decode`], and one of kind [`TooLarge`](super::ImageErrorKind::TooLarge) if
    /// [`Self::color_memory`] exceeds the limit.
    pub fn decode_color(&self) -> Result<(ColorImage, (usize, usize)), ImageError> {
        let memory = self.header.color_memory;
        self.limits.check_memory(self.format, self.header, memory)?;
        self.decode_pixels()
    }

    fn decode_pixels<P: Pixel>(&self) -> Result<(Raster<P>, (usize, usize)), ImageError> {
        let Self {
            bytes,
            format,
            header,
            limits: _,
        } = *self;
        contained(format, || {
            let (image, metadata) = match format {
                Format::Jpeg => jpeg::decode(bytes)?,
                Format::Png => png::decode(bytes, header)?,
                Format::WebP => webp::decode(bytes)?,
                Format::Bmp => (bmp::decode(bytes, header)?, Metadata::default()),
                Format::Gif => (gif::decode(bytes, header)?, Metadata::default()),
            };
            let orientation = metadata.orientation();
            let (width, height) = self.size();
            let size = if swaps_axes(orientation) {
                (height, width)
            } else {
                (width, height)
            };
            Ok((upright(image, orientation), size))
        })
    }
}

/// Decodes an image file within limits; see [`ImageFile`].
///
/// # Errors
/// Returns the errors of [`ImageFile::open`] and [`ImageFile::decode`].
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<DecodedImage, ImageError> {
    ImageFile::open(bytes, limits)?.decode()
}

/// Runs a decoder; a panic is an error of this image.
fn contained<T>(
    format: Format,
    decoder: impl FnOnce() -> Result<T, ImageError>,
) -> Result<T, ImageError> {
    contain(decoder).unwrap_or_else(|| {
        Err(ImageError::Invalid {
            format: format.name(),
            detail: "the decoder failed on this file".to_owned(),
        })
    })
}
