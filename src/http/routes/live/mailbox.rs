//! The newest frame that waits to be analysed.

use std::{cell::Cell, time::Instant};

use actix_web::web::Bytes;
use tokio::sync::Notify;

/// A received frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Index among the received frames, from 0.
    pub(super) index: u64,
    /// Time at which the frame was complete.
    pub(super) received: Instant,
    /// The image file.
    pub(super) file: Bytes,
}

/// Holds at most one frame. Receiver and analyzer of a connection share it; they run on one thread.
#[derive(Default)]
pub(super) struct Mailbox {
    waiting: Cell<Option<Frame>>,
    received: Cell<u64>,
    dropped: Cell<u64>,
    arrival: Notify,
}

impl Mailbox {
    /// Replaces the waiting frame. Returns whether there was one, which is dropped.
    pub(super) fn put(&self, file: Bytes) -> bool {
        let frame = Frame {
            index: self.received.get(),
            received: Instant::now(),
            file,
        };
        self.received.set(frame.index + 1);
        let is_dropped = self.waiting.replace(Some(frame)).is_some();
        self.dropped.set(self.dropped.get() + u64::from(is_dropped));
        self.arrival.notify_one();
        is_dropped
    }

    /// Waits for a frame and takes it.
    pub(super) async fn next(&self) -> Frame {
        loop {
            if let Some(frame) = self.waiting.take() {
                return frame;
            }
            self.arrival.notified().await;
        }
    }

    /// Returns the number of received frames.
    pub(super) fn received(&self) -> u64 {
        self.received.get()
    }

    /// Returns the number of dropped frames.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.get()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn newest_frame_replaces_waiting_one() {
        let mailbox = Mailbox::default();
        assert!(mailbox.next().now_or_never().is_none());
        for file in ["first", "second", "third"] {
            mailbox.put(Bytes::from_static(file.as_bytes()));
        }
        let frame = mailbox.next().now_or_never().unwrap();
        assert_eq!((frame.index, &frame.file[..]), (2, &b"third"[..]));
        assert!(mailbox.next().now_or_never().is_none());
        assert_eq!((mailbox.received(), mailbox.dropped()), (3, 2));
    }
}
