//! Training: faces in, averaged weights out, safe against being killed at any moment.
//!
//! ```text
//! batches -> network -> loss -> optimizer -> ema -> checkpoint (one file, replaced whole)
//!                                                \-> records: history.csv, events, curves.png
//! ```

pub mod checkpoint;
pub mod ema;
pub mod error;
pub mod events;
pub mod history;
pub mod optimizer;
pub mod progress;
pub mod records;
pub mod run;
pub mod trainer;
