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
    fs::write(&partial, bytes)?;
    File::open(&partial)?.sync_all()?;
    fs::rename(&partial, path)
}

/// SHA-256 in lower-case hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
