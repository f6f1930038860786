//! Training: faces in, averaged weights out, safe against being killed at any moment.
//!
//! ```text
//!    init -> the first weights
//! batches -> teachers -> feed -> network -> loss -> optimizer -> ema -> checkpoint (one file, replaced whole)
//!                                                                    \-> records: history.csv, events, curves.png
//! ```

pub mod answers;
pub mod checkpoint;
pub mod claim;
pub mod clock;
pub mod ema;
pub mod error;
pub mod events;
pub mod feed;
pub mod finished;
pub mod history;
pub mod init;
pub mod loss;
pub mod optimizer;
pub mod prepare;
pub mod progress;
pub mod records;
pub mod run;
pub mod sam;
pub mod teacher;
pub mod teaching;
pub mod trainer;
