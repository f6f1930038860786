//! Code that mien's server and trainer share. It uses no network, web or tensor library.
//!
//! - [`expression`]: the seven classes and their order.
//! - [`image`]: the bytes of a file -> an [`image::DecodedImage`] -> the square [`image::Face`] that a model takes.
//! - [`detection`]: faces in photos: the input of the network YuNet, and the decoding of its outputs.
//! - [`dataset`]: labelled faces on disk, as directories or as the original `fer2013.csv`, and duplicates among them.
//! - [`grouping`]: groups of images, such as those of equal brightness.
//! - [`report`]: accuracy with its interval, scores per class, calibration, and the comparison of two models.
//! - [`temperature`]: temperature scaling of confidences.
//! - [`tracking`]: faces in the frames of a video.

pub mod dataset;
pub mod detection;
pub mod expression;
#[doc(hidden)]
pub mod fuzzing;
pub mod grouping;
pub mod image;
pub mod report;
pub mod temperature;
pub mod tracking;
