//! The telemetry client of ONNX Runtime stays off: no file in the home directory, no connection.

use std::{fs, path::Path, process::Command};

use super::mien;
use crate::helpers::fixture;

/// Runs `mien classify` with an empty home directory and without the variables that `.cargo/config.toml` sets.
fn classify(command: &mut Command, home: &Path) {
    let output = command
        .env_remove("ORT_DISABLE_TELEMETRY")
        .env_remove("XDG_CACHE_HOME")
        .env("HOME", home)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
}

fn arguments(command: &mut Command) -> &mut Command {
    command
        .args(["classify", "--device=cpu", "--model=tiny", "--models"])
        .arg(fixture("models"))
        .arg(fixture("faces/happy.png"))
}

#[test]
fn classify_writes_no_file_to_home() {
    let home = tempfile::tempdir().unwrap();
    classify(arguments(&mut mien()), home.path());
    let files: Vec<_> = fs::read_dir(home.path()).unwrap().collect();
    assert!(files.is_empty(), "{files:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn classify_resolves_no_name() {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("skipped: strace is not installed");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let trace = home.path().join("trace");
    let mut command = Command::new("strace");
    command
        .args(["-f", "-e", "trace=connect,openat", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_mien"));
    classify(arguments(&mut command), home.path());
    let trace = fs::read_to_string(trace).unwrap();
    assert!(trace.contains("libonnxruntime"), "the trace is incomplete");
    for sign in ["connect(", "resolv.conf", "nsswitch.conf", "/etc/hosts"] {
        assert!(!trace.contains(sign), "{sign} is in the trace");
    }
}
