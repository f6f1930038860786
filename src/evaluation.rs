//! Measures the accuracy of a served model: a labelled data set goes through the model's batcher like client traffic.
//!
//! ```text
//! Datasets -> pipeline: read and decode -> Batcher -> run: Tally -> Evaluation, predictions
//! Evaluations: background jobs with progress and cancellation, each stored
//! ```

mod comparison;
mod datasets;
mod document;
mod duplicates;
mod error;
mod job;
mod jobs;
mod label_map;
mod pipeline;
mod reader_pool;
pub mod report;
mod result;
mod run;
mod runner;
mod sampling;
mod spec;
mod task;

pub use comparison::{Compared, NotComparable, compare};
pub use datasets::Datasets;
pub use document::{
    EvaluationInfo, EvaluationListItem, EvaluationResponse, ImageCount, Progress, Summary,
};
pub use duplicates::{DuplicateIds, score_without_duplicates, test_in_train};
pub use error::RunError;
pub use job::Job;
pub use jobs::{Evaluations, Purged};
pub use label_map::LabelMismatch;
pub use result::{Evaluation, EvaluationResult, ProgressUpdate, Unreadable, UnreadableImage};
pub use run::run;
pub use spec::{EvaluationSpec, StartError};

pub use crate::store::EvaluationStatus as Status;
