//! Paths of the checkout and commands that run in it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// Returns the root directory of the checkout.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask
        .parent()
        .expect("xtask is a subdirectory of the checkout")
        .to_owned()
}

/// Returns the directory of the runtime libraries, which git ignores.
pub(crate) fn runtime() -> PathBuf {
    root().join(".runtime")
}

/// Returns the directory of the programs that cargo builds with a profile.
pub(crate) fn built(profile: &str) -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join(profile)
}

/// A small test. If cargo builds a test, it uses the features of all dev-dependencies, as `cargo xtask test` does, and therefore the
/// same artifacts.
const SMALL_TEST: &str = "report";

/// Builds a program with the dev profile and returns its path. The build shares its artifacts with `cargo xtask test`.
///
/// # Errors
/// Returns an error if the build fails.
pub(crate) fn build_debug(program: &str) -> Result<PathBuf> {
    check(cargo(&[
        "build",
        "--quiet",
        "--locked",
        "--workspace",
        "--bin",
        program,
        "--test",
        SMALL_TEST,
    ]))?;
    Ok(built("debug").join(program))
}

/// Returns a cargo command that runs in the checkout.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(args);
    command
}

/// Runs a command and waits for its end.
///
/// # Errors
/// Returns an error if the command cannot be started or fails.
pub(crate) fn check(mut command: Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", display(&command)))?;
    if !status.success() {
        bail!("{} failed ({status})", display(&command));
    }
    Ok(())
}

/// Returns the time of the last commit in seconds since 1970, or that of `SOURCE_DATE_EPOCH`. Files with this time are equal in equal
/// builds. Without git or a repository, the time is 0.
///
/// # Errors
/// Returns an error if the variable is not a number.
pub(crate) fn commit_time() -> Result<u64> {
    let time = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(time) => time,
        Err(_) => {
            let mut git = Command::new("git");
            git.args(["log", "-1", "--format=%ct"]).current_dir(root());
            let output = git.output().map(|output| output.stdout);
            String::from_utf8_lossy(&output.unwrap_or_default())
                .trim()
                .to_owned()
        }
    };
    if time.is_empty() {
        return Ok(0);
    }
    time.parse()
        .with_context(|| format!("SOURCE_DATE_EPOCH must be a number of seconds, found `{time}`"))
}

/// Returns the command as text, for messages.
pub(crate) fn display(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The text between two markers of a file in the checkout.
    fn between(file: &str, before: &str, after: &str) -> String {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let (_, rest) = text.split_once(before).unwrap();
        rest.split_once(after).unwrap().0.to_owned()
    }

    #[test]
    fn every_file_names_the_same_rust_version() {
        let toolchain = between("rust-toolchain.toml", "channel = \"", "\"");
        assert_eq!(between("Dockerfile", "FROM rust:", "-slim"), toolchain);
        let minimum = between("Cargo.toml", "rust-version = \"", "\"");
        assert_eq!(toolchain.rsplit_once('.').unwrap().0, minimum);
    }
}
