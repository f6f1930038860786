//! Checks the Python client in `clients/python`: generated types, style, types and tests with a real server.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{
    run,
    setup::{self, folder},
    wheel::pip,
    workspace::{build_debug, check, root, runtime},
};

/// Directory of the packages below `.runtime/`. Its stamp is the file with the requirements.
const FOLDER: &str = "python-client";

/// Fails if Python is older than `requires-python` of the client.
const CHECK_VERSION: &str = "import sys; sys.exit(sys.version_info < (3, 11))";

/// Runs all checks or, with `write_types`, writes the types from the OpenAPI document.
///
/// # Errors
/// Returns an error if the packages cannot be installed, the server cannot be built, or a check fails.
pub(crate) fn run(write_types: bool) -> Result<()> {
    let packages = packages()?;
    let python = |args: &[&str]| {
        let mut command = Command::new("python3");
        command
            .args(args)
            .current_dir(root().join("clients/python"))
            .env("PYTHONPATH", &packages)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    };
    if write_types {
        return check(python(&["generate_types.py"]));
    }
    check(python(&["generate_types.py", "--check"]))?;
    check(python(&["-m", "ruff", "check", "--quiet"]))?;
    check(python(&["-m", "ruff", "format", "--quiet", "--check"]))?;
    check(python(&["-m", "mypy"]))?;
    setup::serving()?;
    let mien = build_debug("mien")?;
    let mut tests = python(&["-m", "pytest", "--quiet"]);
    tests.env("MIEN", mien);
    run::with_libraries(&mut tests);
    check(tests)
}

/// Returns the directory of the pinned packages. Installs them if `requirements.txt` has changed.
fn packages() -> Result<PathBuf> {
    let requirements = root().join("clients/python/requirements.txt");
    let pinned = fs::read_to_string(&requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    folder::ensure(&runtime(), FOLDER, &pinned, |partial| {
        let mut version = Command::new("python3");
        version.args(["-c", CHECK_VERSION]);
        check(version).context("the Python client needs Python 3.11 or newer")?;
        eprintln!("installing the packages of {} ...", requirements.display());
        pip::install(&requirements, partial)
    })?;
    Ok(runtime().join(FOLDER))
}
