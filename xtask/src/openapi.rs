//! Keeps `openapi/openapi.json` what the server itself serves.

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::{cargo, root};

/// Writes the document, or only compares it.
///
/// # Errors
/// Where the server cannot be built, or the committed document is another one.
pub(crate) fn run(check: bool) -> Result<()> {
    let path = root().join("openapi/openapi.json");
    let mut command = cargo(&["run", "--quiet", "--locked", "--package", "mien", "--", "openapi"]);
    let output =
        command.stderr(std::process::Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(output.status.success(), "the server cannot print its OpenAPI document");
    if !check {
        fs::create_dir_all(root().join("openapi"))?;
        return fs::write(&path, output.stdout)
            .with_context(|| format!("cannot write {}", path.display()));
    }
    if fs::read(&path).unwrap_or_default() != output.stdout {
        bail!(
            "openapi/openapi.json is not what the server serves; run `cargo xtask openapi` and commit it"
        );
    }
    Ok(())
}
