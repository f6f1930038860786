//! `cargo xtask gpu-check` on a machine without a GPU.

use std::{fs, os::unix::fs::symlink, process::Command};

#[test]
fn check_without_gpu_exits_with_3_and_names_remedy() {
    let mut check = Command::new(env!("CARGO_BIN_EXE_xtask"));
    // Without directories to search, nvidia-smi is missing on every machine.
    let output = check.arg("gpu-check").env("PATH", "").output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("no usable GPU"), "{text}");
    assert!(text.contains("nvidia-smi"), "{text}");
}

#[test]
fn steps_that_break_are_failed_checks_of_the_report() {
    let folder = tempfile::tempdir().unwrap();
    for program in ["mien", "mien-train"] {
        symlink("/bin/false", folder.path().join(program)).unwrap();
    }
    let report = folder.path().join("report.md");
    let mut check = Command::new(env!("CARGO_BIN_EXE_xtask"));
    check.args(["gpu-check", "--device", "cpu", "--binaries"]);
    check.arg(folder.path()).arg("--report").arg(&report);
    let status = check.output().unwrap().status;
    assert_eq!(status.code(), Some(1));
    let page = fs::read_to_string(report).unwrap();
    let failed = page.lines().filter(|line| line.contains("| failed |"));
    let names: Vec<_> = failed.filter_map(|line| line.split(" | ").next()).collect();
    let expected = [
        "| training in fp32",
        "| training in auto",
        "| serving",
        "| fallback of --device auto",
        "| error of --device cuda:0",
    ];
    assert_eq!(names, expected, "{page}");
}
