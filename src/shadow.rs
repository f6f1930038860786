//! Shadows: a candidate classifies a share of the images that clients send to the serving version of a model. The results are compared,
//! and clients do not get those of the candidate.
//!
//! ```text
//! Shadows: spec -> task, at most one per model
//!   registry.load_for_shadow   a serving version, or one that is loaded for the shadow alone
//!   Mirror of the serving version -> bounded queue -> comparison: candidate at background priority -> Tally -> ShadowReport
//! ```
//!
//! A shadow ends when another version serves, or when the files of one of the versions are replaced. The last shadow of each model
//! stays in memory, because a promotion can require its result. Images are not stored.

mod comparison;
mod durations;
mod error;
mod list;
mod progress;
mod report;
mod requirement;
mod shadows;
mod spec;
mod tally;
mod task;

pub use self::{
    error::StartError,
    report::{ShadowReport, ShadowStatus},
    requirement::{NotPassed, PassedShadow, ShadowEvidence, ShadowRequirement},
    shadows::Shadows,
    spec::{CandidateName, ShadowSpec},
};
