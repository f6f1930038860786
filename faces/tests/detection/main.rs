//! Decoding of the detector's outputs and quality of faces, through the public interface.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot continue should panic"
)]

mod arrays;
mod decoding;
mod hostile;
mod quality;
mod selection;
