//! Environment variables that libraries read when they are loaded.
//!
//! glibc reads its tunables before `main` starts, and ONNX Runtime starts its telemetry client while it is loaded. Changing
//! the environment of the own process needs unsafe code. The program therefore restarts itself once with the variables set.

use std::{env, ffi::OsStr};

/// Variable with the settings of glibc's allocator. GNU C Library manual, "Memory Allocation Tunables".
pub const GLIBC_TUNABLES: &str = "GLIBC_TUNABLES";

/// Variable that turns off the telemetry client of ONNX Runtime. Without it, the client stores an identifier in the home
/// directory and connects to a host on the internet.
pub const ORT_DISABLE_TELEMETRY: &str = "ORT_DISABLE_TELEMETRY";

/// The value of [`ORT_DISABLE_TELEMETRY`] that turns telemetry off.
const DISABLED: &str = "1";

/// Restarts the program with telemetry disabled and with the settings of allocators, unless its environment is already right. The
/// process id and the arguments stay the same.
///
/// Settings apply to Linux with glibc only, and a value that the user has set takes precedence. If the restart fails, the program
/// continues, and loading ONNX Runtime fails because [`telemetry_is_disabled`] is false.
pub fn reexec(allocators: &[(&str, &str)]) {
    let glibc = cfg!(all(target_os = "linux", target_env = "gnu"));
    let is_missing = |(name, _): &&(&str, &str)| glibc && env::var_os(name).is_none();
    let telemetry = (!telemetry_is_disabled()).then_some((ORT_DISABLE_TELEMETRY, DISABLED));
    let variables: Vec<_> = allocators
        .iter()
        .filter(is_missing)
        .copied()
        .chain(telemetry)
        .collect();
    if !variables.is_empty() {
        exec(&variables);
    }
}

/// Returns whether the environment of this process turns off the telemetry of ONNX Runtime.
pub fn telemetry_is_disabled() -> bool {
    env::var_os(ORT_DISABLE_TELEMETRY).as_deref() == Some(OsStr::new(DISABLED))
}

#[cfg(unix)]
fn exec(variables: &[(&str, &str)]) {
    use std::{os::unix::process::CommandExt, process::Command};

    let Ok(program) = env::current_exe() else {
        return;
    };
    let mut arguments = env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // `exec` returns only if it fails.
    let _error = command
        .args(arguments)
        .envs(variables.iter().copied())
        .exec();
}

#[cfg(not(unix))]
fn exec(_variables: &[(&str, &str)]) {}
