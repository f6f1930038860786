//! Decodes BMP files, and OS/2 bitmaps, with the crate `image`. Headers that the crate rejects are rewritten.

use std::{borrow::Cow, io::Cursor};

use image::{DynamicImage, ImageDecoder, codecs::bmp::BmpDecoder};

use super::{
    ImageError, Raster, convert, error::Result, format::Format, header::Header, pixel::Pixel,
};

/// Size of the file header, which precedes the bitmap header.
const FILE_HEADER: usize = 14;
/// Size of the bitmap header of Windows (BITMAPINFOHEADER).
const INFO_HEADER: usize = 40;
/// Size of the bitmap header of OS/2 2.0. It begins like the header of Windows.
const OS2_HEADER: usize = 64;

/// The fields of the headers that the decoder needs to know.
struct Fields {
    /// Position of the pixels.
    offset: usize,
    /// Size of the bitmap header.
    size: usize,
    width: u32,
    height: u32,
    /// Bits per pixel.
    bits: u16,
    /// 0 if the pixels are not compressed.
    compression: u32,
}

impl Fields {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let short = |at: usize| {
            let field = bytes.get(at..at + 2).and_then(|f| f.try_into().ok());
            field
                .map(u16::from_le_bytes)
                .ok_or_else(|| Format::Bmp.truncated())
        };
        let long = |at: usize| Ok(u32::from(short(at)?) | u32::from(short(at + 2)?) << 16);
        let (offset, size) = (long(10)?, long(FILE_HEADER)?);
        let fields = match size {
            12 => Self {
                offset: offset as usize,
                size: 12,
                width: short(18)?.into(),
                height: short(20)?.into(),
                bits: short(24)?,
                compression: 0,
            },
            40 | 52 | 56 | 64 | 108 | 124 => Self {
                offset: offset as usize,
                size: size as usize,
                width: long(18)?,
                // A negative height means that the top row is first.
                height: long(22)?.cast_signed().unsigned_abs(),
                bits: short(28)?,
                compression: long(30)?,
            },
            _ => return Err(Format::Bmp.unsupported(format!("a bitmap header of {size} bytes"))),
        };
        fields.check()?;
        Ok(fields)
    }

    fn check(&self) -> Result<()> {
        // OS/2 uses the numbers of bit fields and JPEG for two compressions of its own.
        match self.compression {
            0..=2 => {}
            3 | 6 if self.size != OS2_HEADER => {}
            number => return Err(Format::Bmp.unsupported(format!("compression {number}"))),
        }
        match self.bits {
            1 | 4 | 8 | 16 | 24 | 32 => Ok(()),
            bits => Err(Format::Bmp.unsupported(format!("{bits} bits per pixel"))),
        }
    }

    /// Returns the length of a file whose last row lacks the padding, and of one with padding.
    fn lengths(&self) -> Option<(usize, usize)> {
        let bits = (self.width as usize).checked_mul(self.bits.into())?;
        let stride = bits.div_ceil(32) * 4;
        let before = stride.checked_mul((self.height as usize).checked_sub(1)?)?;
        let last = self.offset.checked_add(before)?;
        Some((
            last.checked_add(bits.div_ceil(8))?,
            last.checked_add(stride)?,
        ))
    }
}

/// Reads the size of an image. [`decode`] takes the colours, two images (one for the row order) and a copy of the file.
///
/// # Errors
/// Returns an error if the header is truncated or of an unsupported kind.
pub(super) fn header(bytes: &[u8]) -> Result<Header> {
    let fields = Fields::parse(bytes)?;
    Ok(Header::new(fields.width, fields.height, 6, 10, bytes.len()))
}

/// Decodes an image.
///
/// # Errors
/// Returns an error if the file is invalid or a pixel is missing.
pub(super) fn decode<P: Pixel>(bytes: &[u8], header: Header) -> Result<Raster<P>> {
    let file = repaired(bytes)?;
    let mut decoder = BmpDecoder::new(Cursor::new(file.as_ref())).map_err(broken)?;
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(header.memory + (1 << 20));
    decoder.set_limits(limits).map_err(broken)?;
    let image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    Format::Bmp.image(width, height, convert::pixels(image))
}

/// Returns the file with a header and padding that `image` accepts.
fn repaired(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    let fields = Fields::parse(bytes)?;
    let mut file = Cow::Borrowed(bytes);
    if fields.compression == 0 {
        let (without_padding, with_padding) =
            fields.lengths().ok_or_else(|| Format::Bmp.truncated())?;
        if bytes.len() < without_padding {
            return Err(Format::Bmp.truncated());
        }
        if bytes.len() < with_padding {
            file.to_mut().resize(with_padding, 0);
        }
    }
    // Some programs write 0 planes. The format has one.
    let planes = if fields.size == 12 { 22 } else { 26 };
    if file[planes..planes + 2] != [1, 0] {
        file.to_mut()[planes..planes + 2].copy_from_slice(&[1, 0]);
    }
    if fields.size == OS2_HEADER {
        let file = file.to_mut();
        if file.len() < FILE_HEADER + OS2_HEADER {
            return Err(Format::Bmp.truncated());
        }
        file.drain(FILE_HEADER + INFO_HEADER..FILE_HEADER + OS2_HEADER);
        file[FILE_HEADER] = 40;
        let offset = u32::try_from(fields.offset.saturating_sub(OS2_HEADER - INFO_HEADER));
        let offset = offset.expect("the offset has 32 bits");
        file[10..14].copy_from_slice(&offset.to_le_bytes());
    }
    Ok(file)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open")]
fn broken(error: image::ImageError) -> ImageError {
    match error {
        image::ImageError::Unsupported(error) => Format::Bmp.unsupported(error.to_string()),
        image::ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Format::Bmp.truncated()
        }
        other => Format::Bmp.invalid(other.to_string()),
    }
}
