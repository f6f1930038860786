//! How accurate a model really is: a labelled data set goes through the model's batcher as traffic does.
//!
//! ```text
//! Dataset -> pipeline: read and decode -> Batcher -> run: Tally -> Evaluation
//! Evaluations: such runs in the background, with progress and cancel
//! ```

mod classes;
mod job;
mod jobs;
mod pipeline;
mod run;

pub use classes::NotEmotions;
pub use job::{Document, ImageCount, Job, Status};
pub use jobs::{Evaluations, Order, StartError};
pub use run::{Evaluation, RunError, Unreadable, UnreadableImage, run};
