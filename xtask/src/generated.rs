//! Files of the repository that are the output of a command of `mien`.

use std::{
    fs,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::workspace::{build_debug, root};

/// A generated file.
pub(crate) struct Generated {
    /// Path in the checkout.
    pub(crate) path: &'static str,
    /// Command of `mien` that prints the content.
    pub(crate) command: &'static str,
    /// Command of `cargo xtask` that writes the file.
    pub(crate) update: &'static str,
}

impl Generated {
    /// Writes the file or, with `check`, compares it with the output of its command.
    ///
    /// # Errors
    /// Returns an error if the server cannot be built, the file cannot be written, or the compared file differs.
    pub(crate) fn run(&self, check: bool) -> Result<()> {
        let Self {
            path,
            command,
            update,
        } = self;
        let mut mien = Command::new(build_debug("mien")?);
        let output = mien
            .arg(command)
            .current_dir(root())
            .stderr(Stdio::inherit())
            .output()
            .context("cannot start mien")?;
        ensure!(
            output.status.success(),
            "`mien {command}` failed ({})",
            output.status
        );
        let file = root().join(path);
        if !check {
            return fs::write(&file, output.stdout)
                .with_context(|| format!("cannot write {}", file.display()));
        }
        ensure!(
            fs::read(&file).unwrap_or_default() == output.stdout,
            "{path} differs from the output of `mien {command}`; run `cargo xtask {update}` and commit the file"
        );
        Ok(())
    }
}
