//! The frame header (ITU-T T.81, section B.2.2): size, sampling factors, and the supported coding processes.

use crate::image::{error::Result, format::Format};

/// A component of a frame: luma, a chroma channel or a colour channel.
#[derive(Debug, Clone)]
pub(super) struct Component {
    pub(super) identifier: u8,
    /// Horizontal sampling factor, 1 to 4.
    pub(super) h: usize,
    /// Vertical sampling factor, 1 to 4.
    pub(super) v: usize,
    /// Index of the quantization table, 0 to 3.
    pub(super) quantization: usize,
}

/// A frame whose coding process and sampling factors are supported.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// Columns, at least 1.
    pub(super) width: usize,
    /// Rows, at least 1.
    pub(super) height: usize,
    pub(super) is_progressive: bool,
    /// One, three or four components.
    pub(super) components: Vec<Component>,
    /// Maximum horizontal sampling factor.
    pub(super) max_h: usize,
    /// Maximum vertical sampling factor.
    pub(super) max_v: usize,
}

impl Frame {
    /// Parses the payload of a start-of-frame segment.
    ///
    /// # Errors
    /// Returns an error if the header is invalid or describes an unsupported kind of JPEG.
    pub(super) fn parse(marker: u8, payload: &[u8]) -> Result<Self> {
        let [precision, h1, h0, w1, w0, count, specifications @ ..] = payload else {
            return Err(Format::Jpeg.invalid("the frame header is too short"));
        };
        let is_progressive = process(marker)?;
        if *precision != 8 {
            return Err(
                Format::Jpeg.unsupported(format!("samples of {precision} instead of 8 bits"))
            );
        }
        let (height, width) = (
            u16::from_be_bytes([*h1, *h0]),
            u16::from_be_bytes([*w1, *w0]),
        );
        if width == 0 {
            return Err(Format::Jpeg.invalid("the image has no columns"));
        }
        if height == 0 {
            return Err(Format::Jpeg.unsupported("the height is not in the frame header"));
        }
        if specifications.len() != 3 * usize::from(*count) {
            return Err(Format::Jpeg.invalid("the length of the frame header is wrong"));
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(
                Format::Jpeg.unsupported(format!("{count} components instead of 1, 3 or 4"))
            );
        }
        let components: Vec<Component> = specifications
            .as_chunks()
            .0
            .iter()
            .map(component)
            .collect::<Result<_>>()?;
        let (max_h, max_v) = max_factors(&components)?;
        Ok(Self {
            width: width.into(),
            height: height.into(),
            is_progressive,
            components,
            max_h,
            max_v,
        })
    }

    /// Returns columns and rows of MCUs in an interleaved scan.
    pub(super) fn mcus(&self) -> (usize, usize) {
        (
            self.width.div_ceil(8 * self.max_h),
            self.height.div_ceil(8 * self.max_v),
        )
    }

    /// Returns columns and rows of blocks of a component in a scan of its own.
    pub(super) fn blocks(&self, component: &Component) -> (usize, usize) {
        (
            (self.width * component.h).div_ceil(8 * self.max_h),
            (self.height * component.v).div_ceil(8 * self.max_v),
        )
    }

    /// Returns columns and rows of blocks of a component, with the blocks that fill the last MCU.
    pub(super) fn stored_blocks(&self, component: &Component) -> (usize, usize) {
        let (columns, rows) = self.mcus();
        (columns * component.h, rows * component.v)
    }
}

/// Returns whether the marker starts a progressive frame, or an error if its coding process is not supported.
fn process(marker: u8) -> Result<bool> {
    match marker {
        0xC0 | 0xC1 => Ok(false),
        0xC2 => Ok(true),
        0xC3 => Err(Format::Jpeg.unsupported("lossless coding")),
        0xC9 | 0xCA => Err(Format::Jpeg.unsupported("arithmetic coding")),
        0xCB => Err(Format::Jpeg.unsupported("lossless arithmetic coding")),
        _ => Err(Format::Jpeg.unsupported("hierarchical coding")),
    }
}

fn component(&[identifier, factors, quantization]: &[u8; 3]) -> Result<Component> {
    let (h, v) = (usize::from(factors >> 4), usize::from(factors & 15));
    if !(1..=4).contains(&h) || !(1..=4).contains(&v) {
        return Err(Format::Jpeg.invalid("a sampling factor is not from 1 to 4"));
    }
    if quantization > 3 {
        return Err(Format::Jpeg.invalid("a component has an unknown quantization table"));
    }
    Ok(Component {
        identifier,
        h,
        v,
        quantization: quantization.into(),
    })
}

/// Returns the maximum sampling factors if all others divide them.
fn max_factors(components: &[Component]) -> Result<(usize, usize)> {
    let max_h = components.iter().map(|c| c.h).max().unwrap_or(1);
    let max_v = components.iter().map(|c| c.v).max().unwrap_or(1);
    match components
        .iter()
        .find(|c| max_h % c.h != 0 || max_v % c.v != 0)
    {
        Some(c) => Err(Format::Jpeg.unsupported(format!(
            "sampling factors {max_h}x{max_v} and {}x{} in one file",
            c.h, c.v
        ))),
        None => Ok((max_h, max_v)),
    }
}
