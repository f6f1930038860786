//! Training. A run can be killed at any moment and resumed.
//!
//! ```text
//! init -> initial weights
//! batches -> distillation -> trainer (network -> loss -> optimizer -> ema) -> run::checkpoint (one file, replaced atomically)
//!                                                                          \-> run::artifacts: history.csv, events, curves.png
//! ```

pub mod distillation;
pub mod init;
pub mod prepare;
pub mod progress;
pub mod run;
pub mod trainer;
