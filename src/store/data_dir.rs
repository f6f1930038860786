//! `--state DIR`: the folder, for this user alone, and the lock that keeps a second server out.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::StoreError;

/// The name of the file in the folder.
const FILE_NAME: &str = "mien.sqlite3";
/// The name of the file that is locked. Not the database itself: SQLite has locks of its own on that.
const LOCK_NAME: &str = "lock";

/// Makes the folder and the files where they are missing; the database's path and the lock.
pub(super) fn prepare(folder: &Path) -> Result<(PathBuf, File), StoreError> {
    let wrong = |path: &Path| {
        let path = path.to_owned();
        |source| StoreError::Folder { path, source }
    };
    make_folder(folder).map_err(wrong(folder))?;
    let lock_path = folder.join(LOCK_NAME);
    let lock = open_private(&lock_path).map_err(wrong(&lock_path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StoreError::Locked { path: folder.to_owned() });
        }
        Err(TryLockError::Error(source)) => return Err(wrong(&lock_path)(source)),
    }
    // SQLite gives the files that it adds (`-wal`, `-shm`) the rights of this one.
    let file = folder.join(FILE_NAME);
    open_private(&file).map_err(wrong(&file))?;
    Ok((file, lock))
}

/// A folder that exists keeps its rights: they are its owner's choice.
fn make_folder(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        made => made,
    }
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
