//! Huffman tables (ITU-T T.81, annex C and section F.2.2.3).

use super::bits::Bits;
use crate::image::{error::Result, format::Format};

/// Codes of up to this length are found with one look-up.
const LOOKUP_BITS: u32 = 9;

/// A table that decodes the symbols of one class.
#[derive(Clone)]
pub(super) struct HuffmanTable {
    /// Indexed by the next [`LOOKUP_BITS`] bits: length of the code and symbol. The length is 0 for longer codes.
    lookup: Vec<(u8, u8)>,
    /// Per length of 1 to 16 bits: the first code, the number of codes, and the index of the first symbol.
    lengths: [(usize, usize, usize); 17],
    symbols: Vec<u8>,
}

impl HuffmanTable {
    /// Creates the table of codes of 1 to 16 bits. `counts` has the number of codes per length.
    ///
    /// # Errors
    /// Returns an error if there are more codes of a length than bits allow.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self> {
        let mut lookup = vec![(0, 0); 1 << LOOKUP_BITS];
        let mut lengths = [(0, 0, 0); 17];
        let (mut code, mut index) = (0_usize, 0_usize);
        for (length, &count) in (1_u8..).zip(counts) {
            let count = usize::from(count);
            if code + count > 1 << length {
                return Err(Format::Jpeg.invalid("a Huffman table has too many codes"));
            }
            lengths[usize::from(length)] = (code, count, index);
            for offset in 0..count {
                if u32::from(length) <= LOOKUP_BITS {
                    let shift = LOOKUP_BITS - u32::from(length);
                    let first = (code + offset) << shift;
                    lookup[first..first + (1 << shift)].fill((length, symbols[index + offset]));
                }
            }
            index += count;
            code = (code + count) << 1;
        }
        Ok(Self {
            lookup,
            lengths,
            symbols: symbols.to_vec(),
        })
    }

    /// Reads the next symbol.
    ///
    /// # Errors
    /// Returns an error if the bits are not a code of the table.
    #[inline]
    pub(super) fn decode(&self, bits: &mut Bits<'_>) -> Result<u8> {
        bits.ensure();
        let (length, symbol) = self.lookup[bits.peek(LOOKUP_BITS)];
        if length > 0 {
            bits.consume(u32::from(length));
            return Ok(symbol);
        }
        self.decode_long(bits)
    }

    #[cold]
    fn decode_long(&self, bits: &mut Bits<'_>) -> Result<u8> {
        for length in LOOKUP_BITS + 1..=16 {
            let (first, count, index) = self.lengths[length as usize];
            let code = bits.peek(length);
            if (first..first + count).contains(&code) {
                bits.consume(length);
                return Ok(self.symbols[index + code - first]);
            }
        }
        // The padding behind the data need not be a code.
        bits.consume(16);
        Err(if bits.is_exhausted() {
            Format::Jpeg.truncated()
        } else {
            Format::Jpeg.invalid("the data have an undefined Huffman code")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Bits, HuffmanTable};

    #[test]
    fn codes_of_all_lengths_are_decoded() {
        // One code per length: 0, 10, 110, ... The 16-bit code is fifteen ones and a zero.
        let table = HuffmanTable::new(&[1; 16], &(1..=16).collect::<Vec<_>>()).unwrap();
        let bytes = [0b0101_1011, 0b1011_1101, 0xFF, 0, 0b1111_1101];
        let mut bits = Bits::new(&bytes, 0);
        let symbols: Vec<u8> = (0..5).map(|_| table.decode(&mut bits).unwrap()).collect();
        assert_eq!(symbols, [1, 2, 3, 4, 5]);
        assert_eq!(table.decode(&mut bits).unwrap(), 16);
        assert!(!bits.is_exhausted());
        assert_eq!(table.decode(&mut bits).unwrap(), 2, "one bit and padding");
        assert!(bits.is_exhausted());
    }

    #[test]
    fn table_with_too_many_codes_is_invalid() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(HuffmanTable::new(&counts, &[1, 2, 3]).is_err());
    }
}
