//! How the C library hands out memory to libtorch.
//!
//! A step makes and drops thousands of maps of many megabytes. glibc gives such blocks back to the system at once, and
//! the next map is then paid for again, page by page: a third of a DenseNet's training time. These settings keep
//! freed memory in the process, and in pages of 2 MiB.

use std::{env, ffi::OsString};

/// The variable that glibc reads once, before `main`.
const VARIABLE: &str = "GLIBC_TUNABLES";

/// GNU C Library manual, "Memory Allocation Tunables".
const TUNABLES: [&str; 5] = [
    "glibc.malloc.hugetlb=1",
    "glibc.malloc.mmap_threshold=4294967296",
    "glibc.malloc.trim_threshold=17179869184",
    "glibc.malloc.top_pad=67108864",
    "glibc.malloc.arena_max=1",
];

/// Starts the program anew with memory kept between steps, where the C library is glibc and nobody has set its
/// tunables. The process keeps its number and its arguments. Where that fails, training is slower, nothing else.
pub fn keep_freed_pages() {
    if cfg!(all(target_os = "linux", target_env = "gnu")) && env::var_os(VARIABLE).is_none() {
        start_anew(&OsString::from(TUNABLES.join(":")));
    }
}

#[cfg(unix)]
fn start_anew(tunables: &OsString) {
    use std::os::unix::process::CommandExt;

    let Ok(program) = env::current_exe() else { return };
    // `exec` returns only where it fails.
    let _failed = std::process::Command::new(program)
        .args(env::args_os().skip(1))
        .env(VARIABLE, tunables)
        .exec();
}

#[cfg(not(unix))]
fn start_anew(_tunables: &OsString) {}
