//! Atomic file replacement: a reader sees the old content or the new content, never a part of it.
//!
//! The content goes to a temporary file in the same directory, is flushed to the disk, and then takes the final name by
//! a rename.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

/// The end of the names of temporary files.
const SUFFIX: &str = ".partial";

/// Replaces the file at `path` with `bytes`.
///
/// # Errors
/// Returns an error if the directory cannot be written or the disk is full. The old file is then unchanged.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

/// Replaces the content of the file at `path` like [`write()`], and keeps its permissions and its owner. A missing file is created.
///
/// # Errors
/// Returns the errors of [`write()`], and an error if the permissions or the owner cannot be set.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    match fs::metadata(path) {
        Ok(old) => file.copy_ownership(&old)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    file.write_all(bytes)?;
    file.commit()
}

/// Deletes the temporary files that a killed process left in `dir`.
///
/// Call it only while no other process writes to the directory.
///
/// # Errors
/// Returns an error if the directory cannot be read or a file cannot be deleted.
pub fn remove_partial_files(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(SUFFIX) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A new version of a file. [`Self::commit`] replaces the old version; dropping the value discards the new one.
#[derive(Debug)]
pub struct AtomicFile {
    temp: NamedTempFile,
    path: PathBuf,
}

impl AtomicFile {
    /// Creates an empty temporary file next to `path`, so that a directory that cannot be written is reported early.
    ///
    /// # Errors
    /// Returns an error if `path` has no file name or its directory cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let name = path
            .file_name()
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(SUFFIX);
        // The permissions that other programs give to new files; the umask applies.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        Ok(Self {
            temp: builder.tempfile_in(directory(path))?,
            path: path.to_owned(),
        })
    }

    /// Gives the temporary file the permissions and the owner of another file.
    fn copy_ownership(&self, other: &fs::Metadata) -> io::Result<()> {
        let path = self.temp.path();
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, chown};
            let own = fs::metadata(path)?;
            if (own.uid(), own.gid()) != (other.uid(), other.gid()) {
                chown(path, Some(other.uid()), Some(other.gid()))?;
            }
        }
        fs::set_permissions(path, other.permissions())
    }

    /// Returns the path of the temporary file, for libraries that write to a path.
    pub fn temp_path(&self) -> &Path {
        self.temp.path()
    }

    /// Flushes the content to the disk and gives it the final name.
    ///
    /// # Errors
    /// Returns an error if the content cannot be flushed or the file cannot be renamed.
    pub fn commit(self) -> io::Result<()> {
        File::open(self.temp.path())?.sync_all()?;
        self.temp.persist(&self.path).map_err(|error| error.error)?;
        // The rename is durable only after the directory has been flushed.
        File::open(directory(&self.path))?.sync_all()
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temp.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temp.flush()
    }
}

/// Returns the directory of a file; `.` for a bare file name.
fn directory(path: &Path) -> &Path {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let names = fs::read_dir(dir).unwrap();
        names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[cfg(unix)]
    #[test]
    fn replaced_file_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        replace(&path, b"old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn commit_replaces_old_file_and_leaves_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write(&path, b"old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["file"]);
    }

    #[test]
    fn drop_keeps_old_file_and_leaves_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write(&path, b"old").unwrap();
        let file = AtomicFile::create(&path).unwrap();
        fs::write(file.temp_path(), "new").unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(dir.path()), ["file"]);
    }

    #[test]
    fn commit_keeps_content_written_through_temp_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let file = AtomicFile::create(&path).unwrap();
        fs::write(file.temp_path(), "new").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn create_reports_missing_directory_and_missing_name() {
        let dir = tempfile::tempdir().unwrap();
        let missing = AtomicFile::create(&dir.path().join("absent/file")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        let nameless = AtomicFile::create(Path::new("/")).unwrap_err();
        assert_eq!(nameless.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn partial_files_of_killed_process_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let file = AtomicFile::create(&dir.path().join("file")).unwrap();
        let (_, leftover) = file.temp.keep().unwrap();
        fs::write(dir.path().join("other.partial"), "").unwrap();
        remove_partial_files(dir.path()).unwrap();
        assert!(!leftover.exists());
        assert_eq!(names(dir.path()), ["other.partial"]);
    }
}
