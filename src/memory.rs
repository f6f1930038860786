//! Settings of the C library's allocator, so that the memory of unloaded models returns to the system.
//!
//! A model allocates blocks of a few hundred kilobytes. By default glibc raises its thresholds when the first model is
//! unloaded. It then retains such blocks in the heaps of the threads that allocated them. The next model allocates new
//! memory, so resident memory grows with each reload. A fixed threshold prevents that.

use mien_host::malloc;

/// Fixes the trim threshold at its default of 128 KiB. GNU C Library manual, "Memory Allocation Tunables".
const TUNABLES: &str = "glibc.malloc.trim_threshold=131072";

/// Restarts the program with [`TUNABLES`]. If that fails, the memory of unloaded models stays with the process.
pub(crate) fn configure_malloc() {
    malloc::reexec_with_tunables(TUNABLES);
}
