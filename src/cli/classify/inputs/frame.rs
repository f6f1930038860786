//! A frame of a video.

use std::time::Duration;

use bytes::Bytes;

/// A frame of a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli::classify) struct Frame {
    /// Number among the classified frames, from 0.
    pub(in crate::cli::classify) number: u64,
    /// Time since the start of the video.
    pub(in crate::cli::classify) time: Duration,
    /// A BMP file.
    pub(in crate::cli::classify) image: Bytes,
}

impl Frame {
    /// Returns the time since the start of the video in seconds.
    pub(in crate::cli::classify) fn seconds(&self) -> f64 {
        self.time.as_secs_f64()
    }
}
