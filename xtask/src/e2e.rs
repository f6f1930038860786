//! Tests of the web UI in a browser: finds or installs Chromium with its driver and runs `e2e/`.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    run,
    setup::{self, tools},
    workspace::{build_debug, cargo, check},
};

/// A program that the tests need.
struct Program {
    /// Environment variable with its path.
    variable: &'static str,
    /// File names that are searched for in `PATH`.
    names: &'static [&'static str],
}

const CHROMIUM: Program = Program {
    variable: "CHROMIUM",
    names: &["chromium", "chromium-browser", "google-chrome"],
};
const DRIVER: Program = Program {
    variable: "CHROMEDRIVER",
    names: &["chromedriver"],
};
/// Debian packages that contain the two programs.
const PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// Runs `cargo xtask e2e`; arguments are passed to the tests.
///
/// # Errors
/// Returns an error if Chromium or its driver is missing, the server cannot be built, or a test fails.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let (browser, driver) = browser()?;
    let axe_core = tools::axe_core()?;
    setup::serving()?;
    let mien = build_debug("mien")?;
    // With the features of the whole workspace, cargo reuses the artifacts of `cargo xtask test`.
    let mut tests = cargo(&["test", "--locked", "--workspace", "--test", "web_ui", "--"]);
    tests.args(args);
    tests.env("MIEN", mien).env("AXE_CORE", axe_core);
    tests
        .env(CHROMIUM.variable, browser)
        .env(DRIVER.variable, driver);
    run::with_libraries(&mut tests);
    check(tests)
}

/// Returns the paths of Chromium and its driver. As root on Debian, installs them if they are missing.
///
/// # Errors
/// Returns an error if a program is missing and cannot be installed.
pub(crate) fn browser() -> Result<(PathBuf, PathBuf)> {
    let find = || CHROMIUM.find().zip(DRIVER.find());
    if let Some(found) = find() {
        return Ok(found);
    }
    if Path::new("/usr/bin/apt-get").exists() && is_root() {
        eprintln!("installing {}", PACKAGES.join(" and "));
        let mut update = Command::new("apt-get");
        update.args(["update", "-qq"]);
        check(update)?;
        let mut install = Command::new("apt-get");
        install
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(PACKAGES);
        install.env("DEBIAN_FRONTEND", "noninteractive");
        check(install)?;
    }
    find().with_context(|| {
        format!(
            "Chromium or its driver was not found. On Debian, run `apt-get install {}`. On other systems, set {} and {} \
             to the paths of the two programs",
            PACKAGES.join(" "),
            CHROMIUM.variable,
            DRIVER.variable
        )
    })
}

impl Program {
    /// Returns the path in the program's variable, otherwise the first match in `PATH`.
    fn find(&self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let chosen = std::env::var_os(self.variable).map(PathBuf::from);
        chosen.or_else(|| {
            let directories = || std::env::split_paths(&path);
            let candidates = self
                .names
                .iter()
                .flat_map(|name| directories().map(move |dir| dir.join(name)));
            candidates.into_iter().find(|candidate| candidate.is_file())
        })
    }
}

/// Returns whether this process runs as root and may install packages. The owner of /proc/self is its user.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
