//! Training. A run can be killed at any moment and resumed.
//!
//! ```text
//!    init -> initial weights
//! batches -> distillation -> batch_source -> network -> loss -> optimizer -> ema -> checkpoint (one file, replaced atomically)
//!                                                                                \-> artifacts: history.csv, events, curves.png
//! ```

pub mod artifacts;
pub mod batch_source;
pub mod checkpoint;
pub mod claim;
pub mod completed_run;
pub mod distillation;
pub mod ema;
pub mod error;
pub mod events;
pub mod history;
pub mod init;
pub mod loss;
pub mod optimizer;
pub mod prepare;
pub mod progress;
pub mod run;
pub mod sam;
pub mod step_timings;
pub mod teacher;
pub mod teacher_cache;
pub mod trainer;
