//! Background jobs: evaluations and promotions. A job is stored before it runs, can be cancelled, and is stored again when
//! it ends.
//!
//! ```text
//! job        the state of one job: its record, its cancellation, whether its result is saved
//! registry   the jobs that have not ended, and those whose result could not be saved; all others are in the store
//! runner     inserts a job into the store, runs it until it ends or is cancelled, saves and publishes the result
//! ```

mod job;
mod registry;
mod runner;

pub use job::{Job, JobRecord, JobState};
pub use registry::JobRegistry;
pub use runner::{Finished, Jobs, Outcome, Task};
