//! `cargo xtask dist`: an archive of the server that runs on a Linux machine with only glibc.

mod archive;
mod files;
mod layout;
mod libraries;
mod licenses;
mod trial;
mod wheel;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    run::build_server,
    setup,
    workspace::{build_debug, built},
};

/// Arguments of `cargo xtask dist`.
#[derive(Debug, Args)]
pub(crate) struct DistArgs {
    /// Packs a debug build, which takes less time to compile.
    #[arg(long)]
    debug: bool,
    /// Builds a Python wheel instead of the archive.
    #[arg(long)]
    wheel: bool,
    /// Tests the result: runs the archive in a root directory with glibc only, which needs root, or the wheel in an empty virtual
    /// environment.
    #[arg(long)]
    trial: bool,
    /// Directory of the archive; by default target/dist.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Builds the server, packs the archive and, with `--trial`, tests it.
///
/// # Errors
/// Returns an error if the setup, the build or a tool fails, the disk is full or the trial fails.
pub(crate) fn run(args: &DistArgs) -> Result<()> {
    let binary = if args.debug {
        setup::serving()?;
        build_debug("mien")?
    } else {
        build_server()?;
        built("release").join("mien")
    };
    let output = args.output.clone().unwrap_or_else(|| built("dist"));
    fs::create_dir_all(&output).with_context(|| format!("cannot create {}", output.display()))?;
    if args.wheel {
        let wheel = wheel::build(&binary, &output)?;
        eprintln!("the wheel is {}", wheel.display());
        return if args.trial {
            wheel::trial(&wheel)
        } else {
            Ok(())
        };
    }
    let name = format!(
        "mien-{}-linux-{}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH
    );
    let folder = output.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    layout::create(&binary, &folder)?;
    let archive = archive::pack(&output, &name)?;
    eprintln!("the archive is {}", archive.display());
    if args.trial {
        trial::run(&archive)
    } else {
        Ok(())
    }
}
