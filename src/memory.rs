//! Settings of the C library's allocator, so that the memory of unloaded models returns to the system.
//!
//! A model allocates blocks of a few hundred kilobytes. By default glibc raises its thresholds when the first model is
//! unloaded. It then retains such blocks in the heaps of the threads that allocated them. The next model allocates new
//! memory, so resident memory grows with each reload. A fixed threshold prevents that.

/// Fixes the trim threshold at its default of 128 KiB. GNU C Library manual, "Memory Allocation Tunables".
pub(crate) const MALLOC_TUNABLES: &str = "glibc.malloc.trim_threshold=131072";
