//! Files that are never half there, and what tells their contents apart.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use sha2::{Digest, Sha256};

/// Writes the file beside its place and moves it there, so that nobody ever reads half of one.
///
/// # Errors
/// Where the folder cannot be written; what stood at `path` then stays.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let write = || {
        fs::write(&partial, bytes)?;
        put_in_place(&partial, path)
    };
    write().inspect_err(|_| forget(&partial))
}

/// Removes what could not be written whole: half a file helps nobody, and takes room on a full disk.
pub(crate) fn forget(partial: &Path) {
    let _ = fs::remove_file(partial);
}

/// Moves a finished file to its place once its bytes are on the disk, in the same folder.
///
/// # Errors
/// Where the folder cannot be written; what stood at `path` then stays.
pub(crate) fn put_in_place(partial: &Path, path: &Path) -> io::Result<()> {
    File::open(partial)?.sync_all()?;
    fs::rename(partial, path)?;
    // The rename itself must reach the disk too.
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// SHA-256 in lower-case hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// A digest in lower-case hexadecimal digits.
pub(crate) fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
