//! Decodes JPEG files with Huffman coding: sequential and progressive, interleaved or not, with all integer sampling ratios. The
//! results equal those of libjpeg-turbo, which Pillow uses. Other kinds of JPEG are rejected as unsupported.
//!
//! The decoder is our own, because a file must be decoded correctly or rejected. The decoders in safe Rust fill up missing data
//! without an error, and decode some sampling factors and scan structures incorrectly.

mod bits;
mod color;
mod frame;
mod huffman;
mod idct;
mod planes;
mod progressive;
mod scan;
mod segments;
mod sequential;
mod tables;
mod upsample;

use self::{
    bits::Bits,
    color::{ColorHints, ColorSpace},
    frame::Frame,
    planes::Plane,
    progressive::Coefficients,
    scan::Scan,
    segments::Segments,
    sequential::Sequential,
    tables::Tables,
};
use super::{
    Raster, error::Result, format::Format, header::Header, metadata::Metadata, pixel::Pixel,
};

/// Reads the size of an image, and the memory that [`decode`] takes.
///
/// # Errors
/// Returns an error if the file has no frame header, or one of an unsupported kind.
pub(super) fn header(bytes: &[u8]) -> Result<Header> {
    let mut segments = Segments::new(bytes);
    while let Some(marker) = segments.next_marker() {
        if segments::is_standalone(marker) {
            continue;
        }
        if matches!(marker, segments::EOI | segments::SOS | segments::SOI) {
            return Err(Format::Jpeg.invalid("the frame header is missing"));
        }
        let payload = segments.payload().ok_or_else(|| Format::Jpeg.truncated())?;
        if segments::is_frame(marker) {
            let frame = Frame::parse(marker, payload)?;
            return Ok(Header {
                width: narrow(frame.width),
                height: narrow(frame.height),
                memory: memory(&frame, size_of::<u8>()),
                color_memory: memory(&frame, size_of::<[u8; 3]>()),
            });
        }
    }
    Err(Format::Jpeg.truncated())
}

fn narrow(side: usize) -> u32 {
    u32::try_from(side).expect("the side of a JPEG has 16 bits")
}

/// Returns the bytes of the planes, and of the coefficients or two copies of the image (one for its orientation), which are not
/// needed at the same time.
fn memory(frame: &Frame, bytes_per_pixel: usize) -> u64 {
    let (width, height) = planes::output_size(frame);
    let coefficients = if frame.is_progressive {
        progressive::memory(frame)
    } else {
        0
    };
    let bytes = planes::memory(frame) + coefficients.max(2 * width * height * bytes_per_pixel);
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Decodes an image as it is stored. Images of more than 16 million pixels are reduced.
///
/// # Errors
/// Returns an error if the file is invalid, a pixel is missing, or the file is of an unsupported kind.
pub(super) fn decode<P: Pixel>(bytes: &[u8]) -> Result<(Raster<P>, Metadata)> {
    let mut decoder = Decoder::default();
    decoder.read(&mut Segments::new(bytes))?;
    let mut image = decoder.image.ok_or_else(|| Format::Jpeg.truncated())?;
    if let Some(coefficients) = &image.coefficients {
        coefficients.render(&image.frame, &mut image.planes);
    }
    image.coefficients = None;
    let space = ColorSpace::of(&image.frame, decoder.hints);
    Ok((raster(&image, space), decoder.metadata))
}

#[derive(Default)]
struct Decoder {
    tables: Tables,
    hints: ColorHints,
    metadata: Metadata,
    image: Option<Image>,
}

/// A frame and its samples.
struct Image {
    frame: Frame,
    planes: Vec<Plane>,
    /// The coefficients of a progressive frame.
    coefficients: Option<Coefficients>,
    /// Per component of a sequential frame: whether a scan contained it.
    is_decoded: Vec<bool>,
}

impl Decoder {
    /// Reads all segments, and checks that no pixel is missing.
    fn read(&mut self, segments: &mut Segments<'_>) -> Result<()> {
        let has_end = loop {
            let Some(marker) = segments.next_marker() else {
                break false;
            };
            if marker == segments::EOI {
                break true;
            }
            if segments::is_standalone(marker) {
                continue;
            }
            if marker == segments::SOI {
                return Err(Format::Jpeg.invalid("the start-of-image marker is repeated"));
            }
            let Some(payload) = segments.payload() else {
                break false;
            };
            match marker {
                segments::SOS => self.scan(payload, segments)?,
                segments::DHT => self.tables.read_huffman(payload)?,
                segments::DQT => self.tables.read_quantization(payload)?,
                segments::DRI => self.tables.read_restart_interval(payload)?,
                segments::APP0 if payload.starts_with(b"JFIF\0") => self.hints.jfif = true,
                segments::APP1 => self.metadata.read_jpeg(payload),
                segments::APP14 if payload.starts_with(b"Adobe") => {
                    self.hints.adobe = payload.get(11).copied();
                }
                _ if segments::is_frame(marker) => self.start_frame(marker, payload)?,
                _ => {}
            }
        };
        match &self.image {
            Some(image) if image.is_complete(has_end) => Ok(()),
            _ => Err(Format::Jpeg.truncated()),
        }
    }

    fn start_frame(&mut self, marker: u8, payload: &[u8]) -> Result<()> {
        if self.image.is_some() {
            return Err(Format::Jpeg.invalid("the file has two frames"));
        }
        let frame = Frame::parse(marker, payload)?;
        self.image = Some(Image {
            planes: planes::allocate(&frame),
            coefficients: frame.is_progressive.then(|| Coefficients::allocate(&frame)),
            is_decoded: vec![false; frame.components.len()],
            frame,
        });
        Ok(())
    }

    fn scan(&mut self, payload: &[u8], segments: &mut Segments<'_>) -> Result<()> {
        let Some(image) = &mut self.image else {
            return Err(Format::Jpeg.invalid("the frame header is missing"));
        };
        let scan = Scan::parse(&image.frame, payload)?;
        let (bytes, start) = segments.entropy_coded();
        let mut bits = Bits::new(bytes, start);
        match &mut image.coefficients {
            Some(coefficients) => {
                coefficients.read(&image.frame, &scan, &self.tables, &mut bits)?;
            }
            None => image.read_sequential(&scan, &self.tables, &mut bits)?,
        }
        segments.continue_at(bits.position());
        Ok(())
    }
}

impl Image {
    fn read_sequential(&mut self, scan: &Scan, tables: &Tables, bits: &mut Bits<'_>) -> Result<()> {
        for component in &scan.components {
            if std::mem::replace(&mut self.is_decoded[component.index], true) {
                return Err(Format::Jpeg.invalid("two scans contain the same component"));
            }
        }
        let components = self.frame.components.iter();
        let quantization: Vec<usize> = components.map(|c| c.quantization).collect();
        let mut decoder = Sequential::new(scan, &quantization, tables, &mut self.planes)?;
        scan::for_each_block(
            &self.frame,
            scan,
            tables.restart_interval,
            bits,
            &mut decoder,
        )
    }

    /// Returns whether no pixel is missing. Without an end-of-image marker, further progressive scans may be missing.
    fn is_complete(&self, has_end: bool) -> bool {
        match &self.coefficients {
            Some(coefficients) => {
                coefficients.has_all_means() && (has_end || coefficients.is_complete())
            }
            None => self.is_decoded.iter().all(|&is_decoded| is_decoded),
        }
    }
}

/// Upsamples the planes row by row and converts them to pixels.
fn raster<P: Pixel>(image: &Image, space: ColorSpace) -> Raster<P> {
    let (width, height) = planes::output_size(&image.frame);
    let is_smooth = planes::block_size(&image.frame) > 1;
    let mut pixels = vec![P::zeroed(); width * height];
    let mut rows = vec![vec![0; width]; image.planes.len()];
    for (y, line) in pixels.chunks_exact_mut(width).enumerate() {
        for (row, plane) in rows.iter_mut().zip(&image.planes) {
            upsample::row(plane, y, is_smooth, row);
        }
        space.convert(&rows, line);
    }
    Raster::new(width, height, pixels).expect("a frame has at least one pixel")
}
