//! Where the messages of a call begin and end: five bytes before each tell its length (gRPC over HTTP/2, "Length-Prefixed-Message").

/// Bytes before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// Follows the bytes of a call.
#[derive(Debug, Default)]
pub(super) struct FrameTracker {
    prefix: [u8; PREFIX],
    /// How much of the prefix is there.
    filled: usize,
    /// What is missing of the message.
    missing: usize,
}

impl FrameTracker {
    /// Whether a message has begun and is not there yet.
    pub(super) fn within(&self) -> bool {
        self.filled > 0
    }

    /// Takes the next bytes in; whether a message has ended in them.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) -> bool {
        let mut ended = false;
        while !bytes.is_empty() {
            if self.filled < PREFIX {
                let taken = bytes.len().min(PREFIX - self.filled);
                self.prefix[self.filled..self.filled + taken].copy_from_slice(&bytes[..taken]);
                self.filled += taken;
                bytes = &bytes[taken..];
                if self.filled < PREFIX {
                    return ended;
                }
                let [_, length @ ..] = self.prefix;
                self.missing = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            }
            let taken = bytes.len().min(self.missing);
            self.missing -= taken;
            bytes = &bytes[taken..];
            if self.missing == 0 {
                self.filled = 0;
                ended = true;
            }
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However the bytes are cut, each message ends where it does.
        #[test]
        fn messages_end_where_they_do(
            lengths in prop::collection::vec(0_u32..40, 1..8),
            cuts in prop::collection::vec(1_usize..30, 1..200),
        ) {
            let (mut bytes, mut ends) = (Vec::new(), Vec::new());
            for length in lengths {
                bytes.push(0);
                bytes.extend(length.to_be_bytes());
                bytes.extend(vec![7; length as usize]);
                ends.push(bytes.len());
            }
            let (mut boundaries, mut at) = (FrameTracker::default(), 0);
            for cut in cuts.into_iter().chain([bytes.len()]) {
                let next = (at + cut).min(bytes.len());
                let ended = boundaries.pass(&bytes[at..next]);
                prop_assert_eq!(ended, ends.iter().any(|&end| at < end && end <= next));
                prop_assert_eq!(boundaries.within(), next > 0 && !ends.contains(&next));
                at = next;
            }
        }
    }
}
