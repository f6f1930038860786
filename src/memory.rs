//! Settings of the C library's allocator, so that the memory of unloaded models returns to the system.
//!
//! A model allocates blocks of a few hundred kilobytes. By default glibc raises its thresholds when the first model is
//! unloaded and then keeps such blocks in the heaps of the threads that allocated them: the next model allocates new
//! memory, and resident memory grows with each reload. A fixed threshold prevents that.

use std::{env, os::unix::process::CommandExt, process::Command};

/// The variable that glibc reads once, before `main`.
const VARIABLE: &str = "GLIBC_TUNABLES";

/// Fixes the trim threshold at its default of 128 KiB. GNU C Library manual, "Memory Allocation Tunables".
const TUNABLES: &str = "glibc.malloc.trim_threshold=131072";

/// Executes the program again with [`TUNABLES`] if the C library is glibc and its tunables are not set yet. The process
/// keeps its identifier and arguments. If that fails, the memory of unloaded models stays with the process.
pub(crate) fn configure_malloc() {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) || env::var_os(VARIABLE).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    // `exec` returns only if it fails.
    let _failed = Command::new(program).args(env::args_os().skip(1)).env(VARIABLE, TUNABLES).exec();
}
