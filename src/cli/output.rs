//! Files that a command writes: whole or not at all.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

/// A file that will be written. What lay there before stays until the new one is whole.
pub(super) struct Output {
    path: PathBuf,
    target: Target,
}

enum Target {
    /// Beside the path until it is whole.
    New(NamedTempFile),
    /// A device or a pipe, which is no file to put another in the place of.
    Stream(fs::File),
}

impl Output {
    /// Makes sure that the file can be written, before there is anything to write.
    ///
    /// # Errors
    /// When it is a folder, or its folder is not there or cannot be written to.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let refused = || {
            format!(
                "cannot write `{}`; check that its folder exists and that you may write there",
                path.display()
            )
        };
        // Of a link what it leads to, so that the link stays one.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let target = match fs::metadata(&path) {
            Ok(found) if found.is_dir() => {
                bail!("cannot write `{}`: it is a folder", path.display())
            }
            Ok(found) if !found.is_file() => {
                Target::Stream(fs::File::options().write(true).open(&path).with_context(refused)?)
            }
            _ => Target::New(beside(&path).with_context(refused)?),
        };
        Ok(Self { path, target })
    }

    /// Opens those that are wanted.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn wanted(path: Option<&PathBuf>) -> anyhow::Result<Option<Self>> {
        path.map(|path| Self::open(path)).transpose()
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When the disk is full, or what takes the bytes ends.
    pub(super) fn write(self, bytes: &[u8]) -> anyhow::Result<()> {
        let Self { path, target } = self;
        let written = match target {
            Target::New(mut file) => file.write_all(bytes).and_then(|()| {
                file.as_file().sync_all()?;
                file.persist(&path).map(drop).map_err(|error| error.error)
            }),
            Target::Stream(mut stream) => stream.write_all(bytes),
        };
        written.with_context(|| format!("writing `{}`", path.display()))
    }
}

/// A file in the same folder, so that it can be moved over the path.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".mien-");
    #[cfg(unix)]
    // As other programs' files are, less what the user's mask forbids.
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder.unwrap_or(Path::new(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_when_the_new_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        Output::open(&path).unwrap().write(b"first").unwrap();
        let second = Output::open(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        second.write(b"second").unwrap();
        drop(Output::open(&path).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_cannot_be_written_is_told_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        for (path, reason) in
            [("", "it is a folder"), ("nowhere/report.html", "check that its folder exists")]
        {
            let error = Output::open(&folder.path().join(path)).err().unwrap().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_device_a_device() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        Output::open(&link).unwrap().write(b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        Output::open(Path::new("/dev/null")).unwrap().write(b"gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
