//! Compares the traffic of clients with the data set of an evaluation.
//!
//! ```text
//! evaluation -> Profile (histogram per feature) -> store -> Reference of a loaded version
//! request -> FaceFeatures, predictions -> Monitor: Window of a fixed number of faces
//!                                                    -> comparison -> decision -> metrics, log, DriftReport
//! ```
//!
//! Only the counts per bin are stored. Images and values of single images are not stored.

mod bins;
mod comparison;
mod decision;
mod feature;
mod monitor;
mod monitors;
mod profile;
mod reference;
mod report;
mod results;
mod window;

pub use self::{
    feature::{FaceFeatures, Feature, Observation},
    monitor::Monitor,
    monitors::Monitors,
    profile::{Observations, Profile},
    reference::Reference,
    report::DriftReport,
};
