//! Promotions: a candidate version is loaded next to the serving version, evaluated at background priority, and serves the
//! model's traffic if it meets a criterion.
//!
//! ```text
//! Promotions: spec -> runner, at most one per model
//!   shadows.check             if the request requires the result of a shadow
//!   registry.load_candidate   pins the model to the serving version, then loads the candidate and warms it up
//!   evaluate                  the candidate, and the baseline version if there is no stored evaluation of it
//!   verdict                   applies the criterion to the predictions of both
//!   registry.promote_candidate   stores the record and the pin in one transaction, then switches the snapshot;
//!                                or registry.discard_candidate
//! ```
//!
//! The pin is stored before the candidate is in memory, and it is moved in the transaction that stores the status
//! `promoted`. Therefore a server that is killed at any moment serves the version of that transaction afterwards.

mod criterion;
mod decide;
mod document;
mod error;
mod evaluate;
mod evaluated_version;
mod job;
mod jobs;
mod pins;
mod runner;
mod task;
mod verdict;

pub use criterion::{Criterion, PromotionSpec, StartError};
pub use document::PromotionResponse;
pub use job::Job;
pub use jobs::Promotions;
pub use pins::pins;
pub use verdict::{GroupVerdict, Measured, Verdict};
