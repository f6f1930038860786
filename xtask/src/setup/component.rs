//! A folder below `.runtime/` that is made of wheels: there whole, or not there.
//!
//! It is made under another name and moved into place at the end; a stamp inside names the wheels it was
//! made of. An interrupted setup is done again, a changed pin replaces the old folder.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::wheel::{Fetch, Wheel};

/// Name of the file that marks a whole component.
const STAMP: &str = ".stamp";

/// What the names of folders begin with that are of no use when no setup runs.
const PASSING: [&str; 2] = ["partial-", "old-"];

/// What is wanted below the folder for runtime libraries.
pub(super) struct Component {
    pub(super) folder: &'static str,
    pub(super) wheels: &'static [Wheel],
    /// What remains to be done when the wheels are unpacked.
    pub(super) finish: fn(&Path) -> Result<()>,
}

impl Component {
    pub(super) fn path(&self, runtime: &Path) -> PathBuf {
        runtime.join(self.folder)
    }

    /// Whether the folder is there, made of just these wheels.
    pub(super) fn is_whole(&self, runtime: &Path) -> bool {
        fs::read_to_string(self.path(runtime).join(STAMP)).is_ok_and(|found| found == self.stamp())
    }

    /// Makes the folder unless it is whole.
    ///
    /// # Errors
    /// Where a wheel cannot be fetched or is not the pinned one, or the disk fails. What was there before stays.
    pub(super) fn ensure(&self, runtime: &Path, fetch: Fetch) -> Result<()> {
        if self.is_whole(runtime) {
            return Ok(());
        }
        fs::create_dir_all(runtime)
            .with_context(|| format!("cannot make {}", runtime.display()))?;
        // Held until the end of the function: another setup waits, and then finds the work done.
        let lock = File::create(runtime.join(".lock")).context("cannot make the lock file")?;
        lock.lock().context("cannot lock the folder for runtime libraries")?;
        if self.is_whole(runtime) {
            return Ok(());
        }
        remove_passing(runtime)?;
        self.make(runtime, fetch)
    }

    fn make(&self, runtime: &Path, fetch: Fetch) -> Result<()> {
        let partial = tempfile::Builder::new().prefix(PASSING[0]).tempdir_in(runtime)?;
        for wheel in self.wheels {
            wheel.install(partial.path(), fetch)?;
        }
        (self.finish)(partial.path())?;
        fs::write(partial.path().join(STAMP), self.stamp())?;
        let old = tempfile::Builder::new().prefix(PASSING[1]).tempdir_in(runtime)?;
        let path = self.path(runtime);
        if path.exists() {
            fs::rename(&path, old.path().join(self.folder))?;
        }
        fs::rename(partial.keep(), &path)
            .with_context(|| format!("cannot move {} into place", self.folder))
    }

    fn stamp(&self) -> String {
        let wheels = self.wheels.iter();
        wheels.map(|wheel| format!("{} {}\n", wheel.requirement, wheel.sha256)).collect()
    }
}

/// Removes what a killed setup has left behind.
fn remove_passing(runtime: &Path) -> Result<()> {
    for entry in fs::read_dir(runtime)? {
        let entry = entry?;
        let name = entry.file_name();
        if PASSING.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
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

    const RULES: &[Rule] = &[Rule { prefix: "pkg/", infix: "lib", into: "lib" }];

    /// A zip of one file, `pkg/libx.so`.
    const FILE: &[u8] = include_bytes!("../../fixtures/pkg.whl");
    const SHA256: &str = "27f4cf2d5f5bdf080b5f2b05a386980006e475e3065ccdaabf1e6dc9ddfd5fc8";

    const WHOLE: Component = Component {
        folder: "pkg",
        wheels: &[Wheel { requirement: "pkg==1", sha256: SHA256, rules: RULES }],
        finish: |_| Ok(()),
    };

    fn fetch(_: &str, into: &Path) -> Result<()> {
        Ok(fs::write(into.join("pkg.whl"), FILE)?)
    }

    fn no_network(requirement: &str, _: &Path) -> Result<()> {
        bail!("{requirement} was asked for")
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_second_setup_takes_no_network() {
        let runtime = tempfile::tempdir().unwrap();
        assert!(!WHOLE.is_whole(runtime.path()));
        WHOLE.ensure(runtime.path(), fetch).unwrap();
        assert_eq!(fs::read(runtime.path().join("pkg/lib/libx.so")).unwrap(), b"library");
        assert_eq!(names(&runtime.path().join("pkg")), [".stamp", "lib"], "the wheel is deleted");
        WHOLE.ensure(runtime.path(), no_network).unwrap();
    }

    #[test]
    fn another_pin_replaces_the_folder() {
        let runtime = tempfile::tempdir().unwrap();
        let stale = runtime.path().join("pkg");
        fs::create_dir_all(&stale).unwrap();
        fs::write(stale.join(STAMP), "pkg==0 abc\n").unwrap();
        fs::write(stale.join("of-old"), "").unwrap();
        WHOLE.ensure(runtime.path(), fetch).unwrap();
        assert_eq!(names(&stale), [".stamp", "lib"]);
        assert_eq!(names(runtime.path()), [".lock", "pkg"]);
    }

    #[test]
    fn what_was_there_stays_when_the_file_is_another_one_or_the_network_fails() {
        let wrong: &[Wheel] = &[Wheel { requirement: "pkg==2", sha256: "0000", rules: RULES }];
        let updated = Component { wheels: wrong, ..WHOLE };
        let runtime = tempfile::tempdir().unwrap();
        WHOLE.ensure(runtime.path(), fetch).unwrap();
        let error = updated.ensure(runtime.path(), fetch).unwrap_err().to_string();
        assert!(error.contains("not the pinned file"), "{error}");
        assert!(updated.ensure(runtime.path(), no_network).is_err());
        assert!(WHOLE.is_whole(runtime.path()));
        assert_eq!(names(runtime.path()), [".lock", "pkg"]);
    }

    #[test]
    fn a_setup_that_was_killed_is_done_again_and_its_remains_removed() {
        let runtime = tempfile::tempdir().unwrap();
        fs::create_dir_all(runtime.path().join("partial-abc/lib")).unwrap();
        // Unpacked by hand or by an older version: without a stamp nobody knows what it is.
        fs::create_dir_all(runtime.path().join("pkg/lib")).unwrap();
        assert!(!WHOLE.is_whole(runtime.path()));
        WHOLE.ensure(runtime.path(), fetch).unwrap();
        assert_eq!(names(runtime.path()), [".lock", "pkg"]);
    }

    #[test]
    fn a_failed_last_step_leaves_nothing_that_looks_whole() {
        let broken = Component { finish: |_| bail!("no compiler"), ..WHOLE };
        let runtime = tempfile::tempdir().unwrap();
        assert!(broken.ensure(runtime.path(), fetch).is_err());
        assert!(!broken.is_whole(runtime.path()));
        assert_eq!(names(runtime.path()), [".lock"]);
    }
}
