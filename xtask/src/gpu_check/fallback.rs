//! Checks the server on a machine whose GPU is not usable: all GPUs are hidden from it.

use std::path::Path;

use anyhow::{Result, ensure};

use super::{device::hide_gpus, programs::Programs, report::Check, server::Server};

/// Parts of the error for a GPU that is not usable: two ways to continue.
const REMEDIES: [&str; 2] = ["cargo xtask setup --gpu", "--device cpu"];

/// Checks that `--device auto` uses the CPU.
///
/// # Errors
/// Returns an error if the server does not become ready.
pub(super) fn auto(programs: &Programs, models: &Path, model: &str) -> Result<Vec<Check>> {
    let mut server = Server::spawn(programs, models, "auto", hide_gpus)?.ready()?;
    let device = server.device_of(model)?;
    let name = "fallback of --device auto without a GPU";
    Ok(vec![Check::equal(name, &device, "cpu")])
}

/// Checks that `--device cuda:0` ends with an error that names the remedies.
///
/// # Errors
/// Returns an error if the server does not end, or the error does not name a remedy.
pub(super) fn cuda(programs: &Programs, models: &Path) -> Result<Vec<Check>> {
    let log = Server::spawn(programs, models, "cuda:0", hide_gpus)?.failure()?;
    let last = log.lines().last().unwrap_or_default();
    for remedy in REMEDIES {
        ensure!(
            log.contains(remedy),
            "the error does not name `{remedy}`: {last}"
        );
    }
    Ok(vec![Check {
        name: "error of --device cuda:0 without a GPU".to_owned(),
        passed: true,
        figure: "ends and names the remedy".to_owned(),
        limit: "the remedy is named".to_owned(),
    }])
}
