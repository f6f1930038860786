//! The allocators and their settings, so that freed memory returns to the system.
//!
//! The server uses jemalloc. glibc keeps the memory of many small blocks that were freed: after 6,400 calls with large headers had
//! ended, 123 of 125 MiB stayed resident. A background thread of jemalloc returns unused pages. `docs/performance.md` has the
//! measurement.
//!
//! ONNX Runtime allocates with glibc. A model allocates blocks of a few hundred kilobytes. By default glibc raises its thresholds when
//! the first model is unloaded. It then retains such blocks in the heaps of the threads that allocated them. The next model
//! allocates new memory, so resident memory grows with each reload. A fixed threshold prevents that.

use mien_host::environment::GLIBC_TUNABLES;

#[cfg(all(target_os = "linux", feature = "jemalloc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Variables that the allocators read when the program starts.
pub(crate) const SETTINGS: [(&str, &str); 2] = [
    // The default of 128 KiB, fixed. GNU C Library manual, "Memory Allocation Tunables".
    (GLIBC_TUNABLES, "glibc.malloc.trim_threshold=131072"),
    // Unused pages return to the system after a second, also if no thread allocates. jemalloc(3), "TUNING".
    (
        "_RJEM_MALLOC_CONF",
        "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0",
    ),
];
