//! Installation of a directory below `.runtime/` from wheels. Its stamp lists the wheels.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::folder;
use crate::wheel::{Fetch, Wheel};

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
        folder::is_complete(runtime, self.folder, &self.stamp())
    }

    /// Creates the directory unless it is complete.
    ///
    /// # Errors
    /// Returns an error if a wheel cannot be downloaded or does not have the pinned hash, or the disk fails. The old
    /// directory then remains.
    pub(super) fn ensure(&self, runtime: &Path, fetch: Fetch) -> Result<()> {
        folder::ensure(runtime, self.folder, &self.stamp(), |partial| {
            for wheel in self.wheels {
                wheel.install(partial, fetch)?;
            }
            (self.finish)(partial)
        })
    }

    fn stamp(&self) -> String {
        let wheels = self.wheels.iter();
        wheels
            .map(|wheel| format!("{} {}\n", wheel.requirement, wheel.sha256))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use anyhow::bail;

    use super::*;
    use crate::{setup::folder::STAMP, wheel::Rule};

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
