//! Downloads wheels with pip.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

/// The Python version for which wheels are selected. It is fixed because no Python code of the wheels runs.
const TAGS: [&str; 8] = [
    "--python-version",
    "3.11",
    "--implementation",
    "cp",
    "--abi",
    "cp311",
    "--abi",
    "none",
];

/// Platform tags of wheels that run with glibc 2.28 or newer.
const PLATFORMS: [&str; 5] = [
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_25_x86_64",
    "manylinux_2_18_x86_64",
    "manylinux2014_x86_64",
];

/// Downloads a wheel with pip, for the fixed Python version.
///
/// # Errors
/// Returns an error if pip is missing or fails. The output of pip goes to standard error.
pub(crate) fn download(requirement: &str, into: &Path) -> Result<()> {
    let pip = find_pip()?;
    let mut command = Command::new(&pip[0]);
    command
        .args(&pip[1..])
        .args(["download", "--quiet", "--no-deps", "--only-binary=:all:"])
        .args(TAGS);
    for platform in PLATFORMS {
        command.args(["--platform", platform]);
    }
    command.arg("--dest").arg(into).arg(requirement);
    crate::workspace::check(command).with_context(|| {
        format!("pip cannot download {requirement}; check the network and the free disk space")
    })
}

/// Installs the packages of a file with hashes into a directory, for the Python version that runs pip.
///
/// # Errors
/// Returns an error if pip is missing or fails, or a package does not have one of the hashes.
pub(crate) fn install(requirements: &Path, into: &Path) -> Result<()> {
    let pip = find_pip()?;
    let mut command = Command::new(&pip[0]);
    command
        .args(&pip[1..])
        .args(["install", "--quiet", "--require-hashes"])
        .args(["--only-binary=:all:", "--no-compile", "--target"])
        .arg(into)
        .arg("--requirement")
        .arg(requirements);
    crate::workspace::check(command).with_context(|| {
        format!(
            "pip cannot install {}; check the network and the free disk space",
            requirements.display()
        )
    })
}

/// Builds the wheel of a project for a platform.
///
/// # Errors
/// Returns an error if pip is missing or the build fails.
pub(crate) fn build_wheel(project: &Path, into: &Path, platform: &str) -> Result<()> {
    let pip = find_pip()?;
    let mut command = Command::new(&pip[0]);
    command
        .args(&pip[1..])
        .args(["wheel", "--quiet", "--no-deps", "--wheel-dir"])
        .arg(into)
        .arg(project)
        .env("MIEN_WHEEL_PLATFORM", platform);
    crate::workspace::check(command)
}

fn find_pip() -> Result<Vec<String>> {
    let commands: [&[&str]; 4] = [
        &["python3", "-m", "pip"],
        &["python", "-m", "pip"],
        &["pip3"],
        &["pip"],
    ];
    let works = |command: &&&[&str]| {
        let output = Command::new(command[0])
            .args(&command[1..])
            .arg("--version")
            .output();
        output.is_ok_and(|output| output.status.success())
    };
    match commands.iter().find(works) {
        Some(command) => Ok(command.iter().map(|&word| word.to_owned()).collect()),
        None => bail!(
            "pip was not found. It is needed to download the pinned runtime libraries. \
             Debian, Ubuntu: apt-get install python3-pip; Fedora: dnf install python3-pip; others: https://pip.pypa.io"
        ),
    }
}
