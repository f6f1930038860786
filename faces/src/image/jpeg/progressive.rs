//! Scans of progressive frames: each adds coefficients or bits of coefficients (ITU-T T.81, section G.1.2).

use super::{
    bits::Bits,
    frame::Frame,
    huffman::HuffmanTable,
    planes::Plane,
    scan::{self, BlockDecoder, Scan},
    sequential::{coefficient, difference, too_many_coefficients},
    tables::{Tables, ZIGZAG},
};
use crate::image::{error::Result, format::Format};

/// Maximum number of scans of a file. Encoders write about ten; each takes the time of a whole image even if it has few bytes.
const MAX_SCANS: usize = 100;

/// A coefficient that no scan has contained.
const UNSEEN: u8 = u8::MAX;

/// The coefficients of an image, while scans refine them.
pub(super) struct Coefficients {
    components: Vec<ComponentCoefficients>,
    scans: usize,
}

struct ComponentCoefficients {
    /// The blocks row by row, each in rows and columns.
    blocks: Vec<[i16; 64]>,
    /// Blocks per row.
    stride: usize,
    /// The quantization table of the first scan.
    quantization: Option<[u16; 64]>,
    /// Per coefficient in zigzag order: the number of missing low bits, or [`UNSEEN`].
    missing_bits: [u8; 64],
}

/// Returns the bytes that [`Coefficients::allocate`] allocates.
pub(super) fn memory(frame: &Frame) -> usize {
    let blocks = |component| {
        let (columns, rows) = frame.stored_blocks(component);
        columns * rows * 128
    };
    frame.components.iter().map(blocks).sum()
}

impl Coefficients {
    /// Allocates the coefficients of a frame.
    pub(super) fn allocate(frame: &Frame) -> Self {
        let components = frame.components.iter().map(|component| {
            let (columns, rows) = frame.stored_blocks(component);
            ComponentCoefficients {
                blocks: vec![[0; 64]; columns * rows],
                stride: columns,
                quantization: None,
                missing_bits: [UNSEEN; 64],
            }
        });
        Self {
            components: components.collect(),
            scans: 0,
        }
    }

    /// Returns whether each component has a mean per block.
    pub(super) fn has_all_means(&self) -> bool {
        self.components.iter().all(|c| c.missing_bits[0] != UNSEEN)
    }

    /// Returns whether scans contained all bits of all coefficients.
    pub(super) fn is_complete(&self) -> bool {
        self.components.iter().all(|c| c.missing_bits == [0; 64])
    }

    /// Decodes a scan.
    ///
    /// # Errors
    /// Returns an error if the scan is invalid or truncated.
    pub(super) fn read(
        &mut self,
        frame: &Frame,
        scan: &Scan,
        tables: &Tables,
        bits: &mut Bits<'_>,
    ) -> Result<()> {
        self.scans += 1;
        if self.scans > MAX_SCANS {
            return Err(Format::Jpeg.invalid(format!("more than {MAX_SCANS} scans")));
        }
        self.register(frame, scan, tables)?;
        let (component, restart) = (&scan.components[0], tables.restart_interval);
        if scan.start > 0 {
            let mut decoder = HighFrequencies {
                component: &mut self.components[component.index],
                table: tables.ac(component.ac)?,
                scan,
                remaining_blocks: 0,
            };
            return scan::for_each_block(frame, scan, restart, bits, &mut decoder);
        }
        let tables = if scan.high == 0 {
            let tables = scan.components.iter().map(|c| tables.dc(c.dc));
            tables.collect::<Result<_>>()?
        } else {
            Vec::new()
        };
        let mut decoder = Means {
            previous: vec![0; scan.components.len()],
            components: &mut self.components,
            tables,
            scan,
        };
        scan::for_each_block(frame, scan, restart, bits, &mut decoder)
    }

    /// Checks that the scan contains the next bits of its coefficients, and remembers them. This bounds the work per coefficient.
    fn register(&mut self, frame: &Frame, scan: &Scan, tables: &Tables) -> Result<()> {
        let is_band = if scan.start == 0 {
            scan.end == 0
        } else {
            scan.components.len() == 1 && (scan.start..64).contains(&scan.end)
        };
        let is_step = scan.low <= 13 && (scan.high == 0 || scan.high == scan.low + 1);
        if !is_band || !is_step {
            return Err(Format::Jpeg.invalid("a progressive scan has an invalid header"));
        }
        let expected = if scan.high == 0 { UNSEEN } else { scan.high };
        for component in &scan.components {
            let table = frame.components[component.index].quantization;
            let component = &mut self.components[component.index];
            if component.quantization.is_none() {
                component.quantization = Some(tables.quantization(table)?);
            }
            for missing in &mut component.missing_bits[scan.start..=scan.end] {
                if *missing != expected {
                    return Err(Format::Jpeg.invalid("the scans are not in progressive order"));
                }
                *missing = scan.low;
            }
        }
        Ok(())
    }

    /// Transforms all blocks.
    pub(super) fn render(&self, frame: &Frame, planes: &mut [Plane]) {
        for ((component, coefficients), plane) in
            frame.components.iter().zip(&self.components).zip(planes)
        {
            let quantization = coefficients.quantization.unwrap_or([0; 64]);
            let (columns, rows) = frame.blocks(component);
            for row in 0..rows {
                for column in 0..columns {
                    let block = &coefficients.blocks[row * coefficients.stride + column];
                    plane.store((column, row), block, &quantization);
                }
            }
        }
    }
}

impl ComponentCoefficients {
    fn block(&mut self, (column, row): (usize, usize)) -> &mut [i16; 64] {
        &mut self.blocks[row * self.stride + column]
    }
}

/// A scan of the means of blocks.
struct Means<'a> {
    components: &'a mut [ComponentCoefficients],
    /// One table per component of the scan, in the first scan of the means.
    tables: Vec<&'a HuffmanTable>,
    scan: &'a Scan,
    previous: Vec<i16>,
}

impl BlockDecoder for Means<'_> {
    fn block(&mut self, bits: &mut Bits<'_>, component: usize, at: (usize, usize)) -> Result<()> {
        let index = self.scan.components[component].index;
        let mean = &mut self.components[index].block(at)[0];
        if let Some(table) = self.tables.get(component) {
            let previous = &mut self.previous[component];
            *previous = previous.wrapping_add(difference(table, bits)?);
            *mean = *previous << self.scan.low;
        } else if bits.take(1) == 1 {
            *mean |= 1 << self.scan.low;
        }
        Ok(())
    }

    fn restart(&mut self) {
        self.previous.fill(0);
    }
}

/// A scan of other coefficients of one component.
struct HighFrequencies<'a> {
    component: &'a mut ComponentCoefficients,
    table: &'a HuffmanTable,
    scan: &'a Scan,
    /// Number of further blocks without new coefficients (EOBRUN).
    remaining_blocks: usize,
}

impl BlockDecoder for HighFrequencies<'_> {
    fn block(&mut self, bits: &mut Bits<'_>, _: usize, at: (usize, usize)) -> Result<()> {
        let block = self.component.block(at);
        let band = (self.scan.start, self.scan.end, self.scan.low);
        if self.scan.high == 0 {
            first_bits(block, band, &mut self.remaining_blocks, self.table, bits)
        } else {
            next_bit(block, band, &mut self.remaining_blocks, self.table, bits)
        }
    }

    fn restart(&mut self) {
        self.remaining_blocks = 0;
    }
}

/// Reads the number of blocks of an end-of-band run, without the current one.
fn end_of_band(bits: &mut Bits<'_>, run: u32) -> usize {
    (1 << run) - 1 + bits.take(run)
}

/// Decodes the first bits of coefficients (section G.1.2.2).
fn first_bits(
    block: &mut [i16; 64],
    (start, end, low): (usize, usize, u8),
    remaining_blocks: &mut usize,
    table: &HuffmanTable,
    bits: &mut Bits<'_>,
) -> Result<()> {
    if *remaining_blocks > 0 {
        *remaining_blocks -= 1;
        return Ok(());
    }
    let mut index = start;
    while index <= end {
        let symbol = table.decode(bits)?;
        let (run, size) = (symbol >> 4, u32::from(symbol & 15));
        if size > 0 {
            index += usize::from(run);
            let place = ZIGZAG.get(index).ok_or_else(too_many_coefficients)?;
            block[*place] = coefficient(bits, size) << low;
            index += 1;
        } else if run == 15 {
            index += 16;
        } else {
            *remaining_blocks = end_of_band(bits, run.into());
            break;
        }
    }
    Ok(())
}

/// Decodes the next bit of coefficients (section G.1.2.3): of those that are not zero, and new ones with a value of one bit.
fn next_bit(
    block: &mut [i16; 64],
    (start, end, low): (usize, usize, u8),
    remaining_blocks: &mut usize,
    table: &HuffmanTable,
    bits: &mut Bits<'_>,
) -> Result<()> {
    let bit = 1_i16 << low;
    let mut index = start;
    if *remaining_blocks == 0 {
        while index <= end {
            let symbol = table.decode(bits)?;
            let (run, size) = (symbol >> 4, symbol & 15);
            let new = match size {
                0 if run < 15 => {
                    *remaining_blocks = end_of_band(bits, run.into()) + 1;
                    break;
                }
                0 => 0,
                1 if bits.take(1) == 1 => bit,
                1 => -bit,
                _ => {
                    return Err(Format::Jpeg.invalid("a refined coefficient has more than one bit"));
                }
            };
            index = refine(block, index..=end, run.into(), bit, bits);
            if index <= end && new != 0 {
                block[ZIGZAG[index]] = new;
            }
            index += 1;
        }
    }
    if *remaining_blocks > 0 {
        refine(block, index..=end, usize::MAX, bit, bits);
        *remaining_blocks -= 1;
    }
    Ok(())
}

/// Reads one bit for each coefficient that is not zero, until `zeros` zeros have been skipped and another follows. Returns the
/// index of that one, or of the end of the range.
fn refine(
    block: &mut [i16; 64],
    range: std::ops::RangeInclusive<usize>,
    mut zeros: usize,
    bit: i16,
    bits: &mut Bits<'_>,
) -> usize {
    let behind = range.end() + 1;
    for index in range {
        let value = &mut block[ZIGZAG[index]];
        if *value == 0 {
            if zeros == 0 {
                return index;
            }
            zeros -= 1;
        } else if bits.take(1) == 1 && *value & bit == 0 {
            *value = value.wrapping_add(if *value > 0 { bit } else { -bit });
        }
    }
    behind
}
