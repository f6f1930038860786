//! Operating-system services that the server and the trainer share.
//!
//! This crate is separate from `mien-faces` because it does not handle images or labels.
//!
//! - [`atomic_file`]: replaces files atomically.
//! - [`broken_pipe`]: errors of a pipe whose reader has ended.
//! - [`cpu`]: the processor's model and the number of usable cores.
//! - [`cpu_times`]: processor time that other processes use.
//! - [`environment`]: variables that libraries read when they are loaded.
//! - [`lock_file`]: a directory that only one process may use.
//! - [`sync`]: locks that ignore poisoning.
pub mod atomic_file;
pub mod broken_pipe;
pub mod cpu;
pub mod cpu_times;
pub mod environment;
pub mod lock_file;
pub mod sync;
