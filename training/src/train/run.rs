//! The folder of a run and its files.

pub mod artifacts;
pub mod checkpoint;
pub mod completed;
pub mod error;
pub mod history;
pub mod lock;
pub mod metadata;
pub mod source_file;
pub mod tensorboard;
