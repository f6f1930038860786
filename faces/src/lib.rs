//! What mien's server and trainer agree on, free of any network, web or tensor library.
//!
//! - [`expression`]: the seven classes and their order.
//! - [`image`]: the bytes of a file -> a gray [`image::Picture`] -> the square [`image::Face`] that a model takes.
//! - [`dataset`]: labelled faces on disk, as folders or as the original `fer2013.csv`; copies in both splits.
//! - [`report`]: predictions against truth: accuracy with its interval, scores of each class, calibration; two models compared.
//! - [`temperature`]: the one number that makes confidences honest, fitted.
pub mod dataset;
pub mod expression;
#[doc(hidden)]
pub mod fuzzing;
pub mod image;
pub mod report;
pub mod temperature;
