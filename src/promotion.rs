//! A version that takes a model's traffic if it passes: loaded beside the one that serves, evaluated below live traffic, judged.
//!
//! ```text
//! Promotions: order -> work, one a model
//!   registry.load_beside   the model is pinned to what serves, the candidate is loaded and tried
//!   measure                the candidate, and where no evaluation of it is kept the version that it is held against
//!   verdict                the rule, on the predictions of both
//!   registry.take_over     the store's word and the pin in one, then the snapshot; or registry.leave
//! ```
//!
//! The pin is written down before the candidate is in memory and moved in the same transaction that says `promoted`: a
//! server that is killed at any moment serves afterwards what that transaction says.

mod criterion;
mod decide;
mod document;
mod evaluate;
mod job;
mod jobs;
mod pins;
mod runner;
mod verdict;

pub use criterion::{Criterion, Order, StartError};
pub use document::Document;
pub use job::Job;
pub use jobs::Promotions;
pub use pins::pins;
pub use verdict::{Measured, Verdict};
