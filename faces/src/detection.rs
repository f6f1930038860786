//! Faces in photos, found by the network YuNet (Wu, Peng and Yu 2023, "YuNet: A Tiny Millisecond-level Face Detector").
//!
//! This module does not run the network. [`DetectorImage`] is its input.

mod detector_image;
mod frame;
mod long_side;

pub use detector_image::DetectorImage;
pub use frame::DetectorFrame;
pub use long_side::{LongSide, UnknownLongSide};
