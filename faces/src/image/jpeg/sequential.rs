//! Scans of sequential frames: each block is complete (ITU-T T.81, section F.2).

use super::{
    bits::Bits,
    huffman::HuffmanTable,
    planes::Plane,
    scan::{BlockDecoder, Scan},
    tables::{Tables, ZIGZAG},
};
use crate::image::{error::Result, format::Format};

/// Decodes the blocks of a scan into planes.
pub(super) struct Sequential<'a> {
    components: Vec<State<'a>>,
    planes: &'a mut [Plane],
}

/// Tables and predictor of a component.
struct State<'a> {
    plane: usize,
    dc: &'a HuffmanTable,
    ac: &'a HuffmanTable,
    quantization: [u16; 64],
    /// Mean of the previous block.
    previous: i16,
}

impl<'a> Sequential<'a> {
    /// Prepares a scan. `quantization` has the index of the table per component of the frame.
    ///
    /// # Errors
    /// Returns an error if a table is missing.
    pub(super) fn new(
        scan: &Scan,
        quantization: &[usize],
        tables: &'a Tables,
        planes: &'a mut [Plane],
    ) -> Result<Self> {
        let components = scan.components.iter().map(|component| {
            Ok(State {
                plane: component.index,
                dc: tables.dc(component.dc)?,
                ac: tables.ac(component.ac)?,
                quantization: tables.quantization(quantization[component.index])?,
                previous: 0,
            })
        });
        Ok(Self {
            components: components.collect::<Result<_>>()?,
            planes,
        })
    }
}

impl BlockDecoder for Sequential<'_> {
    fn block(&mut self, bits: &mut Bits<'_>, component: usize, at: (usize, usize)) -> Result<()> {
        let state = &mut self.components[component];
        let mut coefficients = [0; 64];
        state.previous = state.previous.wrapping_add(difference(state.dc, bits)?);
        coefficients[0] = state.previous;
        let mut index = 1;
        while index < 64 {
            let symbol = state.ac.decode(bits)?;
            let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 {
                if run < 15 {
                    break;
                }
                index += 16;
                continue;
            }
            index += run;
            let place = ZIGZAG.get(index).ok_or_else(too_many_coefficients)?;
            coefficients[*place] = coefficient(bits, size);
            index += 1;
        }
        self.planes[state.plane].store(at, &coefficients, &state.quantization);
        Ok(())
    }

    fn restart(&mut self) {
        for state in &mut self.components {
            state.previous = 0;
        }
    }
}

/// Reads the difference between the means of two blocks.
pub(super) fn difference(table: &HuffmanTable, bits: &mut Bits<'_>) -> Result<i16> {
    let size = u32::from(table.decode(bits)?);
    if size > 15 {
        return Err(Format::Jpeg.invalid("the mean of a block has too many bits"));
    }
    Ok(coefficient(bits, size))
}

/// Reads a coefficient of `size` bits, at most 15.
pub(super) fn coefficient(bits: &mut Bits<'_>, size: u32) -> i16 {
    i16::try_from(bits.take_signed(size)).expect("15 bits with a sign fit")
}

/// A block has more than 64 coefficients.
pub(super) fn too_many_coefficients() -> crate::image::ImageError {
    Format::Jpeg.invalid("a block has more than 64 coefficients")
}
