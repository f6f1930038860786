//! How the C library hands memory back.
//!
//! A loaded model takes its memory in blocks of a few hundred kilobytes. Left to itself glibc learns from the first model that is
//! unloaded to keep such blocks for later, scattered over the heaps of the threads that asked for them: the next
//! model then takes new memory, and what the last one had never goes back to the system. With a threshold that is
//! set it does not learn.

use std::{env, os::unix::process::CommandExt, process::Command};

/// The variable that glibc reads once, before `main`.
const VARIABLE: &str = "GLIBC_TUNABLES";

/// Blocks of this size, the default, are given back when they are freed. GNU C Library manual, "Memory Allocation
/// Tunables".
const TUNABLES: &str = "glibc.malloc.trim_threshold=131072";

/// Starts the program anew with memory that comes back, where the C library is glibc and nobody has set its tunables.
/// The process keeps its number and its arguments. Where that fails, an unloaded model's memory stays with the
/// process, nothing else.
pub(crate) fn give_back_freed_memory() {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) || env::var_os(VARIABLE).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    // `exec` returns only where it fails.
    let _failed = Command::new(program).args(env::args_os().skip(1)).env(VARIABLE, TUNABLES).exec();
}
