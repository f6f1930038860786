//! Output files of commands, written atomically.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use mien_host::atomic_file::AtomicFile;

/// An output file. An existing file stays until the new one is complete.
pub(super) struct Output {
    path: PathBuf,
    target: Target,
}

enum Target {
    /// A regular file, which is replaced.
    New(AtomicFile),
    /// A device or a pipe, which cannot be replaced.
    Stream(fs::File),
}

impl Output {
    /// Checks that the file can be written before its content exists.
    ///
    /// # Errors
    /// Returns an error if the path is a directory, or if its directory does not exist or is not writable.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let not_writable = || {
            format!(
                "cannot write `{}`; check that its directory exists and is writable",
                path.display()
            )
        };
        // The target of a link is replaced, so that the link stays.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let target = match fs::metadata(&path) {
            Ok(found) if found.is_dir() => {
                bail!("cannot write `{}`: it is a directory", path.display())
            }
            Ok(found) if !found.is_file() => Target::Stream(
                fs::File::options()
                    .write(true)
                    .open(&path)
                    .with_context(not_writable)?,
            ),
            _ => Target::New(AtomicFile::create(&path).with_context(not_writable)?),
        };
        Ok(Self { path, target })
    }

    /// Opens the file if a path is given.
    ///
    /// # Errors
    /// Returns the errors of [`Self::open`].
    pub(super) fn open_optional(path: Option<&PathBuf>) -> anyhow::Result<Option<Self>> {
        path.map(|path| Self::open(path)).transpose()
    }

    /// Writes the file.
    ///
    /// # Errors
    /// Returns an error if the disk is full or the reader of a pipe has ended.
    pub(super) fn write(self, bytes: &[u8]) -> anyhow::Result<()> {
        let Self { path, target } = self;
        let written = match target {
            Target::New(mut file) => file.write_all(bytes).and_then(|()| file.commit()),
            Target::Stream(mut stream) => stream.write_all(bytes),
        };
        written.with_context(|| format!("cannot write `{}`", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complete_file_replaces_existing_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        Output::open(&path).unwrap().write(b"first").unwrap();
        let second = Output::open(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        second.write(b"second").unwrap();
        drop(Output::open(&path).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "temporary files must be removed"
        );
    }

    #[test]
    fn unwritable_path_is_an_error_at_open() {
        let folder = tempfile::tempdir().unwrap();
        for (path, reason) in [
            ("", "it is a directory"),
            ("nowhere/report.html", "check that its directory exists"),
        ] {
            let error = Output::open(&folder.path().join(path))
                .err()
                .unwrap()
                .to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn link_and_device_are_preserved() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        Output::open(&link).unwrap().write(b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        Output::open(Path::new("/dev/null"))
            .unwrap()
            .write(b"discarded")
            .unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
