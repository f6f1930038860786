//! Reads the bits of entropy-coded data (ITU-T T.81, section F.2.2.5).

/// A bit reader that stops at the next marker. Zeros follow the last bit, and [`Self::is_exhausted`] reports their use.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits, the first one in the highest place.
    buffer: u64,
    /// Number of bits in `buffer`, with padding.
    available: u32,
    /// Number of zeros that were appended because the data ended.
    padding: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            buffer: 0,
            available: 0,
            padding: 0,
        }
    }

    /// Returns whether more bits were read than the data have.
    pub(super) fn is_exhausted(&self) -> bool {
        self.padding > self.available
    }

    /// Returns the next `count` bits, at most 16, without consuming them. [`Self::ensure`] must precede.
    #[inline]
    pub(super) fn peek(&self, count: u32) -> usize {
        // Two shifts, because a shift by 64 bits would overflow if `count` is 0.
        ((self.buffer >> 1) >> (63 - count)) as usize
    }

    #[inline]
    pub(super) fn consume(&mut self, count: u32) {
        self.buffer <<= count;
        self.available -= count;
    }

    /// Reads `count` bits, at most 16.
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> usize {
        self.ensure();
        let bits = self.peek(count);
        self.consume(count);
        bits
    }

    /// Reads `count` bits, at most 15, and extends their sign (section F.2.2.1, EXTEND).
    #[inline]
    pub(super) fn take_signed(&mut self, count: u32) -> i32 {
        let bits = i32::try_from(self.take(count)).expect("15 bits fit");
        if count > 0 && bits < 1 << (count - 1) {
            bits - (1 << count) + 1
        } else {
            bits
        }
    }

    /// Makes at least 16 bits available.
    #[inline]
    pub(super) fn ensure(&mut self) {
        if self.available < 16 {
            self.fill();
        }
    }

    fn fill(&mut self) {
        if let Some(rest) = self.bytes.get(self.at..)
            && let Some((word, _)) = rest.split_first_chunk::<4>()
            && !word.contains(&0xFF)
        {
            self.buffer |= u64::from(u32::from_be_bytes(*word)) << (32 - self.available);
            self.available += 32;
            self.at += 4;
            return;
        }
        while self.available <= 32 {
            let byte = self.next_byte().unwrap_or_else(|| {
                self.padding += 8;
                0
            });
            self.buffer |= u64::from(byte) << (56 - self.available);
            self.available += 8;
        }
    }

    /// Returns the next data byte, or `None` before a marker and at the end of the file.
    fn next_byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        if byte != 0xFF {
            self.at += 1;
            return Some(byte);
        }
        // A marker may be preceded by any number of fill bytes (section B.1.1.2).
        let fill = self.bytes[self.at..].iter().position(|&b| b != 0xFF)?;
        if self.bytes[self.at + fill] != 0 {
            return None;
        }
        self.at += fill + 1;
        Some(0xFF)
    }

    /// Discards the remaining bits, moves behind the restart marker with this number (0 to 7) and returns whether it is there.
    pub(super) fn restart(&mut self, number: u8) -> bool {
        (self.buffer, self.available, self.padding) = (0, 0, 0);
        let mut rest = super::segments::Segments::new(self.bytes);
        rest.continue_at(self.at);
        let found = rest.next_marker() == Some(0xD0 + number);
        self.at = rest.entropy_coded().1;
        found
    }

    /// Returns the position behind the data, which is not behind the next marker.
    pub(super) fn position(&self) -> usize {
        self.at
    }
}
