//! The RIFF container of WebP (RFC 9649, section 2).

use crate::image::{error::Result, format::Format, metadata::Metadata};

/// Flags of the chunk VP8X.
const ANIMATION: u8 = 0x02;
const XMP: u8 = 0x04;
const EXIF: u8 = 0x08;
const ALPHA: u8 = 0x10;

/// A chunk: name and content. The content is shorter than declared if the file is truncated.
#[derive(Debug, Clone, Copy)]
struct Chunk<'a> {
    name: [u8; 4],
    content: &'a [u8],
    is_whole: bool,
}

/// Iterates over chunks; the last one may be truncated.
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let (name, rest) = self.0.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let content = &rest[..length.min(rest.len())];
        // Contents of odd length are followed by a padding byte.
        self.0 = rest.get(length.next_multiple_of(2)..).unwrap_or_default();
        Some(Chunk {
            name: *name,
            content,
            is_whole: content.len() == length,
        })
    }
}

/// The chunks of the first image.
pub(super) struct Container<'a> {
    /// Columns and rows, each the larger one of the canvas and the image.
    pub(super) size: (u32, u32),
    /// Whether the image is as large as the canvas.
    fills_canvas: bool,
    /// A chunk VP8 or VP8L, or the first frame of an animation.
    image: Chunk<'a>,
    /// The chunk VP8X of an animation.
    animation: Option<&'a [u8]>,
    exif: Option<&'a [u8]>,
    xmp: Option<&'a [u8]>,
}

impl<'a> Container<'a> {
    /// Finds the chunks.
    ///
    /// # Errors
    /// Returns an error if the image or its header is missing.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let chunks = || Chunks(&bytes[12..]);
        let find = |name: &[u8; 4]| chunks().find(|chunk| chunk.name == *name);
        let first = chunks().next().ok_or_else(|| Format::WebP.truncated())?;
        let extended = (first.name == *b"VP8X").then_some(first.content);
        let flags = match extended {
            Some(content) if content.len() < 10 => return Err(Format::WebP.truncated()),
            Some(content) => content[0],
            None => 0,
        };
        let animation = extended.filter(|_| flags & ANIMATION != 0);
        let image = if animation.is_some() {
            find(b"ANMF")
        } else {
            chunks().find(|chunk| matches!(&chunk.name, b"VP8 " | b"VP8L"))
        };
        let image = image.ok_or_else(|| Format::WebP.truncated())?;
        let size = match animation {
            Some(_) => frame_size(image)?,
            None => image_size(image)?,
        };
        let canvas = extended.map_or(size, |content| (1 + u24(content, 4), 1 + u24(content, 7)));
        let metadata = |flag, name| {
            let chunk = find(name).filter(|chunk| flags & flag != 0 && chunk.is_whole);
            chunk.map(|chunk| chunk.content)
        };
        Ok(Self {
            size: (canvas.0.max(size.0), canvas.1.max(size.1)),
            fills_canvas: canvas == size,
            image,
            animation,
            exif: metadata(EXIF, b"EXIF"),
            xmp: metadata(XMP, b"XMP "),
        })
    }

    /// Returns the bytes per pixel that decoding to gray and to colours takes.
    pub(super) fn bytes_per_pixel(&self) -> (u64, u64) {
        match (self.animation, &self.image.name) {
            // The frame, the canvas and the result.
            (Some(_), _) => (15, 19),
            // Planes of YCbCr, RGB and the result.
            (None, b"VP8 ") => (7, 11),
            // ARGB, RGB and the result.
            (None, _) => (10, 14),
        }
    }

    /// Returns a file with the first image only.
    ///
    /// # Errors
    /// Returns an error if an image that is not animated differs from the canvas in size.
    pub(super) fn first_image(&self) -> Result<Vec<u8>> {
        if self.animation.is_none() && !self.fills_canvas {
            return Err(Format::WebP.invalid("the image and the canvas differ in size"));
        }
        let mut chunks = Vec::with_capacity(self.image.content.len() + 64);
        if let Some(extended) = self.animation {
            let mut extended = extended[..10].to_vec();
            extended[0] &= ANIMATION | ALPHA;
            write(&mut chunks, b"VP8X", &extended);
            write(&mut chunks, b"ANIM", &[0; 6]);
        }
        write(&mut chunks, &self.image.name, self.image.content);
        let mut file = Vec::with_capacity(chunks.len() + 12);
        file.extend(b"RIFF");
        file.extend(length(chunks.len() + 4));
        file.extend(b"WEBP");
        file.extend(chunks);
        Ok(file)
    }

    /// Returns the metadata.
    pub(super) fn metadata(&self) -> Metadata {
        let mut metadata = Metadata::default();
        if let Some(exif) = self.exif {
            metadata.set_exif(exif);
        }
        if let Some(xmp) = self.xmp {
            metadata.set_xmp(xmp);
        }
        metadata
    }
}

fn write(file: &mut Vec<u8>, name: &[u8; 4], content: &[u8]) {
    file.extend(name);
    file.extend(length(content.len()));
    file.extend(content);
    if !content.len().is_multiple_of(2) {
        file.push(0);
    }
}

fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

fn u24(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], 0])
}

/// Returns the size in the header of an image chunk.
fn image_size(chunk: Chunk<'_>) -> Result<(u32, u32)> {
    match (&chunk.name, chunk.content) {
        (b"VP8 ", [_, _, _, 0x9D, 0x01, 0x2A, a, b, c, d, ..]) => {
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
            Ok((side(*a, *b), side(*c, *d)))
        }
        (b"VP8L", [0x2F, a, b, c, d, ..]) => {
            let fields = u32::from_le_bytes([*a, *b, *c, *d]);
            Ok(((fields & 0x3FFF) + 1, (fields >> 14 & 0x3FFF) + 1))
        }
        _ if chunk.is_whole => Err(Format::WebP.invalid("the header of the image is invalid")),
        _ => Err(Format::WebP.truncated()),
    }
}

/// Returns the size of a frame, which must be that of the image in the frame.
fn frame_size(frame: Chunk<'_>) -> Result<(u32, u32)> {
    if !frame.is_whole || frame.content.len() < 16 {
        return Err(Format::WebP.truncated());
    }
    let size = (1 + u24(frame.content, 6), 1 + u24(frame.content, 9));
    let mut images = Chunks(&frame.content[16..]).filter(|chunk| chunk.name != *b"ALPH");
    let image = images.next().ok_or_else(|| Format::WebP.truncated())?;
    if image_size(image)? != size {
        return Err(Format::WebP.invalid("the image and its frame differ in size"));
    }
    Ok(size)
}
