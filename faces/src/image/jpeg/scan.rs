//! Scans: the header (ITU-T T.81, section B.2.3), and the order of blocks (section A.2) with restart markers.

use super::{bits::Bits, frame::Frame};
use crate::image::{error::Result, format::Format};

/// A component of a scan.
#[derive(Debug, Clone)]
pub(super) struct ScanComponent {
    /// Index of the component in the frame.
    pub(super) index: usize,
    /// Index of the Huffman table for means, 0 to 3.
    pub(super) dc: usize,
    /// Index of the Huffman table for other coefficients, 0 to 3.
    pub(super) ac: usize,
}

/// The header of a scan.
#[derive(Debug, Clone)]
pub(super) struct Scan {
    /// One to four components.
    pub(super) components: Vec<ScanComponent>,
    /// First coefficient in zigzag order.
    pub(super) start: usize,
    /// Last coefficient in zigzag order.
    pub(super) end: usize,
    /// Bits below this one are missing after the previous scan of these coefficients; 0 in their first scan.
    pub(super) high: u8,
    /// Bits below this one are missing after this scan.
    pub(super) low: u8,
}

/// Maximum number of blocks in an MCU of several components (section B.2.3).
const MAX_BLOCKS: usize = 10;

impl Scan {
    /// Parses the payload of a start-of-scan segment.
    ///
    /// # Errors
    /// Returns an error if the header is invalid.
    pub(super) fn parse(frame: &Frame, payload: &[u8]) -> Result<Self> {
        let wrong = || Format::Jpeg.invalid("a scan header is invalid");
        let (&count, rest) = payload.split_first().ok_or_else(wrong)?;
        let (selectors, rest) = rest
            .split_at_checked(2 * usize::from(count))
            .ok_or_else(wrong)?;
        let &[start, end, bits] = rest else {
            return Err(wrong());
        };
        let mut components: Vec<ScanComponent> = Vec::new();
        for &[identifier, tables] in selectors.as_chunks().0 {
            let mut matching = frame.components.iter();
            let index = matching
                .position(|c| c.identifier == identifier)
                .ok_or_else(wrong)?;
            let (dc, ac) = (usize::from(tables >> 4), usize::from(tables & 15));
            if dc > 3 || ac > 3 || components.iter().any(|c| c.index == index) {
                return Err(wrong());
            }
            components.push(ScanComponent { index, dc, ac });
        }
        let blocks = |c: &ScanComponent| frame.components[c.index].h * frame.components[c.index].v;
        let is_interleaved = components.len() > 1;
        if components.is_empty()
            || is_interleaved && components.iter().map(blocks).sum::<usize>() > MAX_BLOCKS
        {
            return Err(wrong());
        }
        Ok(Self {
            components,
            start: start.into(),
            end: end.into(),
            high: bits >> 4,
            low: bits & 15,
        })
    }
}

/// Decodes the blocks of a scan.
pub(super) trait BlockDecoder {
    /// Decodes the next block of a component. `component` is its index in the scan, `at` the column and row of the block.
    fn block(&mut self, bits: &mut Bits<'_>, component: usize, at: (usize, usize)) -> Result<()>;

    /// Resets the state that blocks share.
    fn restart(&mut self);
}

/// Passes all blocks of a scan to `decoder`.
///
/// # Errors
/// Returns the errors of `decoder`, and an error if data or a restart marker is missing.
pub(super) fn for_each_block(
    frame: &Frame,
    scan: &Scan,
    restart_interval: usize,
    bits: &mut Bits<'_>,
    decoder: &mut impl BlockDecoder,
) -> Result<()> {
    let factors: Vec<(usize, usize)> = match scan.components.as_slice() {
        [_] => vec![(1, 1)],
        several => several
            .iter()
            .map(|c| (frame.components[c.index].h, frame.components[c.index].v))
            .collect(),
    };
    let (columns, rows) = match scan.components.as_slice() {
        [only] => frame.blocks(&frame.components[only.index]),
        _ => frame.mcus(),
    };
    let mut restarts = (0..8).cycle();
    let mut left = restart_interval;
    for mcu in 0..columns * rows {
        if restart_interval > 0 {
            if left == 0 {
                let number = restarts.next().expect("a cycle does not end");
                if !bits.restart(number) {
                    return Err(Format::Jpeg.invalid("a restart marker is missing"));
                }
                decoder.restart();
                left = restart_interval;
            }
            left -= 1;
        }
        let (column, row) = (mcu % columns, mcu / columns);
        for (component, &(h, v)) in factors.iter().enumerate() {
            for y in 0..v {
                for x in 0..h {
                    decoder.block(bits, component, (column * h + x, row * v + y))?;
                }
            }
        }
        if bits.is_exhausted() {
            return Err(Format::Jpeg.truncated());
        }
    }
    Ok(())
}
