//! Atomic installation of a directory below `.runtime/` from wheels.
//!
//! The directory is created under a temporary name and renamed at the end. A stamp file lists its wheels. An
//! interrupted setup is repeated, and a changed pin replaces the old directory.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::wheel::{Fetch, Wheel};

/// Name of the file that marks a complete component.
const STAMP: &str = ".stamp";

/// Prefixes of temporary directories. They can be deleted when no setup is running.
const TEMPORARY: [&str; 2] = ["partial-", "old-"];

/// A subdirectory of `.runtime/`.
pub(super) struct Component {
    pub(super) folder: &'static str,
    pub(super) wheels: &'static [Wheel],
    /// Steps after the wheels are unpacked.
    pub(super) finish: fn(&Path) -> Result<()>,
}

impl Component {
    pub(super) fn path(&self, runtime: &Path) -> PathBuf {
        runtime.join(self.folder)
    }

    /// Returns whether the directory is complete and contains exactly these wheels.
    pub(super) fn is_complete(&self, runtime: &Path) -> bool {
        fs::read_to_string(self.path(runtime).join(STAMP)).is_ok_and(|found| found == self.stamp())
    }

    /// Creates the directory unless it is complete.
    ///
    /// # Errors
    /// Returns an error if a wheel cannot be downloaded or does not have the pinned hash, or the disk fails. The old
    /// directory then remains.
    pub(super) fn ensure(&self, runtime: &Path, fetch: Fetch) -> Result<()> {
        if self.is_complete(runtime) {
            return Ok(());
        }
        fs::create_dir_all(runtime)
            .with_context(|| format!("cannot create {}", runtime.display()))?;
        // The lock is held until the end of the function. A second setup waits and then has nothing to do.
        let lock = File::create(runtime.join(".lock")).context("cannot create the lock file")?;
        lock.lock()
            .context("cannot lock the directory of runtime libraries")?;
        if self.is_complete(runtime) {
            return Ok(());
        }
        remove_temporary(runtime)?;
        self.make(runtime, fetch)
    }

    fn make(&self, runtime: &Path, fetch: Fetch) -> Result<()> {
        let partial = tempfile::Builder::new()
            .prefix(TEMPORARY[0])
            .tempdir_in(runtime)?;
        for wheel in self.wheels {
            wheel.install(partial.path(), fetch)?;
        }
        (self.finish)(partial.path())?;
        fs::write(partial.path().join(STAMP), self.stamp())?;
        let old = tempfile::Builder::new()
            .prefix(TEMPORARY[1])
            .tempdir_in(runtime)?;
        let path = self.path(runtime);
        if path.exists() {
            fs::rename(&path, old.path().join(self.folder))?;
        }
        fs::rename(partial.keep(), &path)
            .with_context(|| format!("cannot move {} into place", self.folder))
    }

    fn stamp(&self) -> String {
        let wheels = self.wheels.iter();
        wheels
            .map(|wheel| format!("{} {}\n", wheel.requirement, wheel.sha256))
            .collect()
    }
}

/// Removes the temporary directories of a killed setup.
fn remove_temporary(runtime: &Path) -> Result<()> {
    for entry in fs::read_dir(runtime)? {
        let entry = entry?;
        let name = entry.file_name();
        if TEMPORARY
            .iter()
            .any(|prefix| name.to_string_lossy().starts_with(prefix))
        {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;
    use crate::wheel::Rule;

    const RULES: &[Rule] = &[Rule {
        prefix: "pkg/",
        infix: "lib",
        into: "lib",
    }];

    /// A zip archive with one file, `pkg/libx.so`.
    const FILE: &[u8] = include_bytes!("../../fixtures/pkg.whl");
    const SHA256: &str = "27f4cf2d5f5bdf080b5f2b05a386980006e475e3065ccdaabf1e6dc9ddfd5fc8";

    const COMPONENT: Component = Component {
        folder: "pkg",
        wheels: &[Wheel {
            requirement: "pkg==1",
            sha256: SHA256,
            rules: RULES,
        }],
        finish: |_| Ok(()),
    };

    fn fetch(_: &str, into: &Path) -> Result<()> {
        Ok(fs::write(into.join("pkg.whl"), FILE)?)
    }

    fn no_network(requirement: &str, _: &Path) -> Result<()> {
        bail!("unexpected download of {requirement}")
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn setup_of_complete_component_does_not_download() {
        let runtime = tempfile::tempdir().unwrap();
        assert!(!COMPONENT.is_complete(runtime.path()));
        COMPONENT.ensure(runtime.path(), fetch).unwrap();
        assert_eq!(
            fs::read(runtime.path().join("pkg/lib/libx.so")).unwrap(),
            b"library"
        );
        assert_eq!(
            names(&runtime.path().join("pkg")),
            [".stamp", "lib"],
            "the wheel is deleted"
        );
        COMPONENT.ensure(runtime.path(), no_network).unwrap();
    }

    #[test]
    fn setup_with_changed_pin_replaces_directory() {
        let runtime = tempfile::tempdir().unwrap();
        let stale = runtime.path().join("pkg");
        fs::create_dir_all(&stale).unwrap();
        fs::write(stale.join(STAMP), "pkg==0 abc\n").unwrap();
        fs::write(stale.join("old-file"), "").unwrap();
        COMPONENT.ensure(runtime.path(), fetch).unwrap();
        assert_eq!(names(&stale), [".stamp", "lib"]);
        assert_eq!(names(runtime.path()), [".lock", "pkg"]);
    }

    #[test]
    fn failed_download_keeps_installed_component() {
        let wrong: &[Wheel] = &[Wheel {
            requirement: "pkg==2",
            sha256: "0000",
            rules: RULES,
        }];
        let updated = Component {
            wheels: wrong,
            ..COMPONENT
        };
        let runtime = tempfile::tempdir().unwrap();
        COMPONENT.ensure(runtime.path(), fetch).unwrap();
        let error = updated
            .ensure(runtime.path(), fetch)
            .unwrap_err()
            .to_string();
        assert!(error.contains("not the pinned file"), "{error}");
        assert!(updated.ensure(runtime.path(), no_network).is_err());
        assert!(COMPONENT.is_complete(runtime.path()));
        assert_eq!(names(runtime.path()), [".lock", "pkg"]);
    }

    #[test]
    fn setup_after_kill_starts_again_and_cleans_up() {
        let runtime = tempfile::tempdir().unwrap();
        fs::create_dir_all(runtime.path().join("partial-abc/lib")).unwrap();
        // Without a stamp the content of a directory is unknown.
        fs::create_dir_all(runtime.path().join("pkg/lib")).unwrap();
        assert!(!COMPONENT.is_complete(runtime.path()));
        COMPONENT.ensure(runtime.path(), fetch).unwrap();
        assert_eq!(names(runtime.path()), [".lock", "pkg"]);
    }

    #[test]
    fn failed_finish_leaves_component_incomplete() {
        let broken = Component {
            finish: |_| bail!("no compiler"),
            ..COMPONENT
        };
        let runtime = tempfile::tempdir().unwrap();
        assert!(broken.ensure(runtime.path(), fetch).is_err());
        assert!(!broken.is_complete(runtime.path()));
        assert_eq!(names(runtime.path()), [".lock"]);
    }
}
