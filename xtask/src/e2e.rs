//! Tests of the web UI in a browser: finds Chromium and its driver, or installs Debian's, and runs `e2e/`.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    run, setup,
    workspace::{built, cargo, check},
};

/// A program, its variable, and its names.
struct Program {
    variable: &'static str,
    names: &'static [&'static str],
}

const CHROMIUM: Program =
    Program { variable: "CHROMIUM", names: &["chromium", "chromium-browser", "google-chrome"] };
const DRIVER: Program = Program { variable: "CHROMEDRIVER", names: &["chromedriver"] };
/// Debian's packages of both.
const PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// `cargo xtask e2e`; arguments go to the tests.
///
/// # Errors
/// Where there is no browser to be had, the server cannot be built, or a test fails.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let (browser, driver) = browser()?;
    setup::onnx_runtime()?;
    check(cargo(&["build", "--locked", "--package", "mien"]))?;
    // The whole workspace's features, so that what `cargo xtask test` has built is used again.
    let mut tests = cargo(&["test", "--locked", "--workspace", "--test", "web_ui", "--"]);
    tests.args(args);
    tests.env("MIEN", built("debug").join("mien"));
    tests.env(CHROMIUM.variable, browser).env(DRIVER.variable, driver);
    run::with_libraries(&mut tests);
    check(tests)
}

/// The browser and its driver, installed where they are missing and that can be done.
///
/// # Errors
/// Where there are none, with how to get them.
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
        install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(PACKAGES);
        install.env("DEBIAN_FRONTEND", "noninteractive");
        check(install)?;
    }
    find().with_context(|| {
        format!(
            "there is no Chromium with its driver; on Debian, `apt-get install {}` brings them, elsewhere name the two \
             programs in {} and {}",
            PACKAGES.join(" "),
            CHROMIUM.variable,
            DRIVER.variable
        )
    })
}

impl Program {
    /// The one that its variable names, else the first on the search path.
    fn find(&self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let named = std::env::var_os(self.variable).map(PathBuf::from);
        named.or_else(|| {
            let folders = || std::env::split_paths(&path);
            let places = self.names.iter().flat_map(|name| folders().map(move |f| f.join(name)));
            places.into_iter().find(|place| place.is_file())
        })
    }
}

/// Whether this process may install packages: its own folder in /proc belongs to root then.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
