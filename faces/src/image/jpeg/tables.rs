//! Quantization tables, Huffman tables and the restart interval (ITU-T T.81, section B.2.4).

use super::huffman::HuffmanTable;
use crate::image::{error::Result, format::Format};

/// Coefficients are stored in zigzag order (ITU-T T.81, figure A.6): zigzag index -> row times 8 plus column.
#[rustfmt::skip]
pub(super) const ZIGZAG: [usize; 64] = [
     0,  1,  8, 16,  9,  2,  3, 10, 17, 24, 32, 25, 18, 11,  4,  5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The tables that the next scan uses.
#[derive(Default)]
pub(super) struct Tables {
    quantization: [Option<[u16; 64]>; 4],
    dc: [Option<HuffmanTable>; 4],
    ac: [Option<HuffmanTable>; 4],
    /// Number of MCUs between restart markers, or 0.
    pub(super) restart_interval: usize,
}

impl Tables {
    /// Returns a quantization table with the factors in rows and columns.
    pub(super) fn quantization(&self, index: usize) -> Result<[u16; 64]> {
        self.quantization[index]
            .ok_or_else(|| Format::Jpeg.invalid("a quantization table is missing"))
    }

    /// Returns a Huffman table for the means of blocks.
    pub(super) fn dc(&self, index: usize) -> Result<&HuffmanTable> {
        self.dc[index].as_ref().ok_or_else(missing_huffman)
    }

    /// Returns a Huffman table for the other coefficients.
    pub(super) fn ac(&self, index: usize) -> Result<&HuffmanTable> {
        self.ac[index].as_ref().ok_or_else(missing_huffman)
    }

    /// Parses a DQT segment.
    pub(super) fn read_quantization(&mut self, mut payload: &[u8]) -> Result<()> {
        let wrong = || Format::Jpeg.invalid("a quantization table has an invalid length");
        while let Some((&selector, rest)) = payload.split_first() {
            let size = if selector >> 4 == 0 { 1 } else { 2 };
            let (factors, rest) = rest.split_at_checked(64 * size).ok_or_else(wrong)?;
            let mut table = [0; 64];
            for (&at, factor) in ZIGZAG.iter().zip(factors.chunks_exact(size)) {
                table[at] = factor
                    .iter()
                    .fold(0, |sum, &byte| sum << 8 | u16::from(byte));
            }
            *self
                .quantization
                .get_mut(usize::from(selector & 15))
                .ok_or_else(wrong)? = Some(table);
            payload = rest;
        }
        Ok(())
    }

    /// Parses a DHT segment.
    pub(super) fn read_huffman(&mut self, mut payload: &[u8]) -> Result<()> {
        let wrong = || Format::Jpeg.invalid("a Huffman table has an invalid length");
        while let Some((&selector, rest)) = payload.split_first() {
            let (counts, rest) = rest.split_first_chunk().ok_or_else(wrong)?;
            let symbols = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, rest) = rest.split_at_checked(symbols).ok_or_else(wrong)?;
            let class = match selector >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(wrong()),
            };
            *class
                .get_mut(usize::from(selector & 15))
                .ok_or_else(wrong)? = Some(HuffmanTable::new(counts, symbols)?);
            payload = rest;
        }
        Ok(())
    }

    /// Parses a DRI segment.
    pub(super) fn read_restart_interval(&mut self, payload: &[u8]) -> Result<()> {
        let &[high, low] = payload else {
            return Err(Format::Jpeg.invalid("the restart interval has an invalid length"));
        };
        self.restart_interval = u16::from_be_bytes([high, low]).into();
        Ok(())
    }
}

fn missing_huffman() -> crate::image::ImageError {
    Format::Jpeg.invalid("a Huffman table is missing")
}
