//! The programs that the check runs.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, ensure};

use crate::{run, workspace::built};

/// The server and the trainer.
pub(super) struct Programs {
    mien: PathBuf,
    trainer: PathBuf,
}

impl Programs {
    /// Builds both programs with the release profile.
    ///
    /// # Errors
    /// Returns an error if the setup or a build fails.
    pub(super) fn build() -> Result<Self> {
        run::build_server()?;
        run::build_trainer()?;
        Self::find(&built("release"))
    }

    /// Finds both programs in a directory.
    ///
    /// # Errors
    /// Returns an error if a program is missing.
    pub(super) fn find(folder: &Path) -> Result<Self> {
        let find = |name: &str| {
            let path = std::path::absolute(folder.join(name))?;
            ensure!(
                path.is_file(),
                "{} does not exist; build it, or check without --binaries",
                path.display()
            );
            Ok(path)
        };
        Ok(Self {
            mien: find("mien")?,
            trainer: find("mien-train")?,
        })
    }

    /// Returns a command that runs `mien`.
    pub(super) fn mien(&self) -> Command {
        command(&self.mien)
    }

    /// Returns a command that runs `mien-train`.
    pub(super) fn trainer(&self) -> Command {
        command(&self.trainer)
    }
}

/// Returns a command with the runtime libraries and without settings of the user, which would change what is compared.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    run::with_libraries(&mut command);
    // The report quotes the last line of an error.
    command.env("RUST_BACKTRACE", "0");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MIEN_") {
            command.env_remove(name);
        }
    }
    command
}
