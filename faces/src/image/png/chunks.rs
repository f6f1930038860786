//! The chunks of a PNG file. Metadata may follow the pixels, where decoders do not look.

use crate::image::{
    error::Result,
    format::Format,
    metadata::{Metadata, inflate},
};

/// Iterates over the complete chunks: name and content.
pub(super) struct Chunks<'a>(&'a [u8]);

impl<'a> Chunks<'a> {
    /// Starts after the signature.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.get(8..).unwrap_or_default())
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (length, rest) = self.0.split_first_chunk()?;
        let (name, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest.get(4..).unwrap_or_default();
        Some((*name, content))
    }
}

/// Keywords of text chunks that contain metadata.
const EXIF_PROFILE: &[u8] = b"Raw profile type exif";
const XMP: &[u8] = b"XML:com.adobe.xmp";

/// Reads the metadata. As in Pillow, the last chunk of a kind applies, and the chunk eXIf has priority over a text chunk.
///
/// # Errors
/// Returns an error if a chunk has an invalid length that the decoder does not check.
pub(super) fn metadata(bytes: &[u8]) -> Result<Metadata> {
    let (mut exif, mut profile, mut xmp) = (None, None, None);
    for (name, content) in Chunks::new(bytes) {
        match &name {
            b"PLTE" if !content.len().is_multiple_of(3) => {
                return Err(Format::Png.invalid("the length of the palette is not a multiple of 3"));
            }
            b"eXIf" => exif = Some(content),
            b"tEXt" | b"zTXt" | b"iTXt" => {
                let Some(text) = Text::parse(name, content) else {
                    continue;
                };
                match text.keyword {
                    EXIF_PROFILE => profile = Some(text),
                    XMP => xmp = Some(text),
                    _ => {}
                }
            }
            b"IEND" => break,
            _ => {}
        }
    }
    let mut metadata = Metadata::default();
    if let Some(exif) = exif {
        metadata.set_exif(exif);
    } else if let Some(exif) = profile.and_then(|text| raw_profile(&text.content()?)) {
        metadata.set_exif(&exif);
    }
    if let Some(xmp) = xmp.and_then(|text| text.content()) {
        metadata.set_xmp(&xmp);
    }
    Ok(metadata)
}

/// A text chunk, still compressed.
struct Text<'a> {
    keyword: &'a [u8],
    is_compressed: bool,
    bytes: &'a [u8],
}

impl<'a> Text<'a> {
    fn parse(name: [u8; 4], content: &'a [u8]) -> Option<Self> {
        let (keyword, rest) = split_at_zero(content)?;
        let (is_compressed, bytes) = match (&name, rest) {
            (b"tEXt", bytes) => (false, bytes),
            (b"zTXt", [0, bytes @ ..]) => (true, bytes),
            (b"iTXt", [flag, method, rest @ ..]) if *flag == 0 || *method == 0 => {
                let (_language, rest) = split_at_zero(rest)?;
                let (_translated_keyword, bytes) = split_at_zero(rest)?;
                (*flag != 0, bytes)
            }
            _ => return None,
        };
        Some(Self {
            keyword,
            is_compressed,
            bytes,
        })
    }

    fn content(&self) -> Option<Vec<u8>> {
        if self.is_compressed {
            inflate(self.bytes)
        } else {
            Some(self.bytes.to_vec())
        }
    }
}

fn split_at_zero(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// Decodes a raw profile of ImageMagick: an empty line, the name, the length, and lines of hex digits.
fn raw_profile(text: &[u8]) -> Option<Vec<u8>> {
    let lines = text.split(|&byte| byte == b'\n').skip(3);
    let digits: Vec<u8> = lines.flatten().copied().collect();
    hex::decode(digits.trim_ascii()).ok()
}
