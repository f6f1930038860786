//! Checks that start a debug build of the server.

use anyhow::Result;

use super::tool::{PYYAML, Tool};
use crate::{
    setup,
    workspace::{build_debug, check},
};

/// Runs the command, the probes and the shutdown of the chart and of the KServe runtimes.
///
/// # Errors
/// Returns an error if the server cannot be built, or does not behave as the manifests expect.
pub(super) fn rehearsal() -> Result<()> {
    script(&PYYAML, "deploy/checks/manifest_rehearsal.py", &[])
}

/// Compares the labels of an example for bulk jobs with those of one process. `tool` is the Python package that the example needs.
///
/// # Errors
/// Returns an error if the server cannot be built, or the labels differ.
pub(super) fn bulk(tool: &Tool, platform: &str) -> Result<()> {
    script(tool, "deploy/checks/bulk_labels.py", &[platform])
}

/// Runs a script of Python with a debug build of the server.
fn script(python: &Tool, path: &str, args: &[&str]) -> Result<()> {
    setup::serving()?;
    let server = build_debug("mien")?;
    let mut command = python.command(&[path, "--server"]);
    command
        .arg(server)
        .args(args)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    check(command)
}
