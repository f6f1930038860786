//! Faces in photos, found by the network YuNet (Wu, Peng and Yu 2023, "YuNet: A Tiny Millisecond-level Face Detector").
//!
//! This module does not run the network. [`DetectorImage`] is its input, [`decode`] turns its outputs into [`Detection`]s in pixels of
//! the photo, and [`Quality`] describes a face that was found.

mod decode;
mod detector_image;
mod frame;
mod long_side;
mod options;
mod outputs;
mod quality;
mod suppression;
mod types;

pub use decode::decode;
pub use detector_image::DetectorImage;
pub use frame::DetectorFrame;
pub use long_side::{LongSide, UnknownLongSide};
pub use options::DetectionOptions;
pub use outputs::{MissingOutput, OutputError, STRIDES, StrideOutputs};
pub use quality::Quality;
pub use types::{Detection, Landmarks, Point};
