//! Finds the boundaries of the messages of a call (gRPC over HTTP/2, "Length-Prefixed-Message"). It is hand-written because
//! tonic decodes messages only after it has buffered them, and the limits apply before.

/// Length of the prefix of a message in bytes: compression flag and message length.
const PREFIX_LENGTH: usize = 5;

/// A message exceeds the limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    /// Length of the message in bytes.
    pub(super) length: usize,
}

/// Tracks the position in the messages of a call.
#[derive(Debug)]
pub(super) struct FrameTracker {
    /// Maximum length of a message in bytes.
    max: usize,
    prefix: [u8; PREFIX_LENGTH],
    /// Number of received bytes of the prefix.
    filled: usize,
    /// Number of missing bytes of the message.
    missing: usize,
}

impl FrameTracker {
    /// Creates a tracker for messages of up to `max` bytes.
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            prefix: [0; PREFIX_LENGTH],
            filled: 0,
            missing: 0,
        }
    }

    /// Returns whether a message is incomplete.
    pub(super) fn in_message(&self) -> bool {
        self.filled > 0
    }

    /// Processes the next bytes and returns whether a message ended in them.
    ///
    /// # Errors
    /// Returns an error if the prefix of a message declares more than the maximum length.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Result<bool, TooLong> {
        let mut ended = false;
        while !bytes.is_empty() {
            if self.filled < PREFIX_LENGTH {
                let count = bytes.len().min(PREFIX_LENGTH - self.filled);
                self.prefix[self.filled..self.filled + count].copy_from_slice(&bytes[..count]);
                self.filled += count;
                bytes = &bytes[count..];
                if self.filled < PREFIX_LENGTH {
                    return Ok(ended);
                }
                let [_, length @ ..] = self.prefix;
                self.missing = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                if self.missing > self.max {
                    return Err(TooLong {
                        length: self.missing,
                    });
                }
            }
            let count = bytes.len().min(self.missing);
            self.missing -= count;
            bytes = &bytes[count..];
            if self.missing == 0 {
                self.filled = 0;
                ended = true;
            }
        }
        Ok(ended)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn message_over_limit_is_rejected_by_its_prefix() {
        let mut tracker = FrameTracker::new(3);
        assert_eq!(
            tracker.feed(&[0, 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0]),
            Ok(true)
        );
        assert_eq!(tracker.feed(&[4]), Err(TooLong { length: 4 }));
    }

    proptest! {
        #[test]
        fn message_ends_are_found_at_any_split(
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
            let (mut tracker, mut at) = (FrameTracker::new(40), 0);
            for cut in cuts.into_iter().chain([bytes.len()]) {
                let next = (at + cut).min(bytes.len());
                let ended = tracker.feed(&bytes[at..next]).unwrap();
                prop_assert_eq!(ended, ends.iter().any(|&end| at < end && end <= next));
                prop_assert_eq!(tracker.in_message(), next > 0 && !ends.contains(&next));
                at = next;
            }
        }
    }
}
