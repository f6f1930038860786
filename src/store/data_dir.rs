//! The directory of `--state DIR`, readable by this user only, and the lock that rejects a second server.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use mien_host::lock_file::{LockError, LockFile};

use super::StoreError;

/// Name of the database file.
const FILE_NAME: &str = "mien.sqlite3";
/// Name of the lock file. It is not the database, because SQLite has its own locks on that.
const LOCK_NAME: &str = "lock";

/// Creates the directory and the files if they are missing. Returns the path of the database and the lock.
pub(super) fn prepare(folder: &Path) -> Result<(PathBuf, LockFile), StoreError> {
    let unusable = |path: &Path| {
        let path = path.to_owned();
        |source| StoreError::Folder { path, source }
    };
    create_dir(folder).map_err(unusable(folder))?;
    let lock_path = folder.join(LOCK_NAME);
    let lock = open_private(&lock_path).map_err(unusable(&lock_path))?;
    let lock = LockFile::acquire(lock).map_err(|error| match error {
        LockError::Held => StoreError::Locked {
            path: folder.to_owned(),
        },
        LockError::Unsupported => unusable(&lock_path)(io::ErrorKind::Unsupported.into()),
        LockError::Io(source) => unusable(&lock_path)(source),
    })?;
    // SQLite creates its other files (`-wal`, `-shm`) with the permissions of this one.
    let file = folder.join(FILE_NAME);
    open_private(&file).map_err(unusable(&file))?;
    Ok((file, lock))
}

/// Creates the directory. An existing directory keeps its permissions, because its owner chose them.
fn create_dir(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        result => result,
    }
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
