//! Decoding of the detector's outputs through the public interface.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot continue should panic"
)]

mod arrays;
mod decoding;
mod hostile;
mod selection;
