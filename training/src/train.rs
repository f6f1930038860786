//! Training: faces in, averaged weights out, safe against being killed at any moment.
//!
//! ```text
//! batches -> network -> loss -> optimizer -> ema -> checkpoint (one file, replaced whole)
//!                                                \-> history.csv
//! ```

pub mod checkpoint;
pub mod ema;
pub mod error;
pub mod history;
pub mod optimizer;
pub mod progress;
pub mod run;
pub mod trainer;
