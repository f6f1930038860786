//! Settings of glibc's allocator.
//!
//! glibc reads them from the environment before `main` starts, and `mallopt` needs unsafe code. The program therefore
//! restarts itself once with the variable set.

use std::env;

/// GNU C Library manual, "Memory Allocation Tunables".
const VARIABLE: &str = "GLIBC_TUNABLES";

/// Restarts the program with these allocator settings; the process id and the arguments stay the same.
///
/// Does nothing if the C library is not glibc or the user has set `GLIBC_TUNABLES`. If the restart fails, the program
/// continues with the default settings.
pub fn reexec_with_tunables(tunables: &str) {
    if cfg!(all(target_os = "linux", target_env = "gnu")) && env::var_os(VARIABLE).is_none() {
        reexec(tunables);
    }
}

#[cfg(unix)]
fn reexec(tunables: &str) {
    use std::{os::unix::process::CommandExt, process::Command};

    let Ok(program) = env::current_exe() else {
        return;
    };
    // `exec` returns only if it fails.
    let _error = Command::new(program)
        .args(env::args_os().skip(1))
        .env(VARIABLE, tunables)
        .exec();
}

#[cfg(not(unix))]
fn reexec(_tunables: &str) {}
