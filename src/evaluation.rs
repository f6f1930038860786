//! How accurate a model really is: a labelled data set goes through the model's batcher as traffic does.
//!
//! ```text
//! Datasets -> pipeline: read and decode -> Batcher -> run: Tally -> Evaluation, predictions
//! Evaluations: such runs in the background, with progress and cancel, each kept in the state's store
//! ```

mod comparison;
mod datasets;
mod document;
mod duplicates;
mod job;
mod jobs;
mod label_map;
mod pipeline;
pub mod report;
mod run;
mod runner;
mod sampling;
mod spec;

pub use comparison::{Compared, NotComparable, compare};
pub use datasets::Datasets;
pub use document::{Document, EvaluationListItem, Head, ImageCount, Progress, Summary};
pub use duplicates::{DuplicateIds, leave_out, test_in_train};
pub use job::Job;
pub use jobs::{Evaluations, Purged};
pub use label_map::LabelMismatch;
pub use run::{
    Evaluation, EvaluationResult, ProgressUpdate, RunError, Unreadable, UnreadableImage, run,
};
pub use spec::{EvaluationSpec, StartError};

pub use crate::store::EvaluationStatus as Status;
