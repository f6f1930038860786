//! How accurate a model really is: a labelled data set goes through the model's batcher as traffic does.
//!
//! ```text
//! Datasets -> pipeline: read and decode -> Batcher -> run: Tally -> Evaluation, predictions
//! Evaluations: such runs in the background, with progress and cancel, each kept in the state's store
//! ```

mod choice;
mod classes;
mod comparison;
mod datasets;
mod document;
mod duplicates;
mod job;
mod jobs;
mod order;
mod pipeline;
pub mod report;
mod run;
mod work;

pub use classes::LabelMismatch;
pub use comparison::{Compared, Incomparable, compare};
pub use datasets::Datasets;
pub use document::{Document, Head, ImageCount, Listed, Progress, Summary};
pub use duplicates::{InTrain, leave_out, test_in_train};
pub use job::Job;
pub use jobs::{Evaluations, Purged};
pub use order::{Order, StartError};
pub use run::{Advance, Evaluation, Finding, RunError, Unreadable, UnreadableImage, run};

pub use crate::state::EvaluationStatus as Status;
