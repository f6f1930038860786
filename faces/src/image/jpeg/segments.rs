//! The marker segments of a JPEG file (ITU-T T.81, annex B).

pub(super) const SOI: u8 = 0xD8;
pub(super) const EOI: u8 = 0xD9;
pub(super) const SOS: u8 = 0xDA;
pub(super) const DHT: u8 = 0xC4;
pub(super) const DQT: u8 = 0xDB;
pub(super) const DRI: u8 = 0xDD;
pub(super) const APP0: u8 = 0xE0;
pub(super) const APP1: u8 = 0xE1;
pub(super) const APP14: u8 = 0xEE;

/// A position between the segments of a file.
pub(super) struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Segments<'a> {
    /// Starts after the start-of-image marker.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 2 }
    }

    /// Moves behind the next marker and returns its code, or `None` at the end of the file. Bytes between segments are
    /// skipped like in libjpeg, because some cameras write them.
    pub(super) fn next_marker(&mut self) -> Option<u8> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            let start = rest.iter().position(|&byte| byte == 0xFF)?;
            let fill = rest[start..].iter().position(|&byte| byte != 0xFF)?;
            let code = rest[start + fill];
            self.at += start + fill + 1;
            if code != 0 {
                return Some(code);
            }
        }
    }

    /// Moves behind the payload of a segment and returns the payload, or `None` if the file ends before.
    pub(super) fn payload(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let (length, _) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let payload = rest.get(2..length)?;
        self.at += length;
        Some(payload)
    }

    /// Returns the whole file and the position of the entropy-coded data that follow a scan header.
    pub(super) fn entropy_coded(&self) -> (&'a [u8], usize) {
        (self.bytes, self.at)
    }

    /// Continues at `at`, behind the entropy-coded data.
    pub(super) fn continue_at(&mut self, at: usize) {
        self.at = at;
    }
}

/// Returns whether the marker has no payload: TEM and RSTn.
pub(super) fn is_standalone(marker: u8) -> bool {
    matches!(marker, 0x01 | 0xD0..=0xD7)
}

/// Returns whether the marker starts a frame: SOF0 to SOF15 without DHT, JPG and DAC.
pub(super) fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, DHT | 0xC8 | 0xCC)
}
