//! Atomic creation of directories below `.runtime/`.
//!
//! A directory is created under a temporary name and renamed at the end. Its stamp file states what it contains. An interrupted setup is
//! repeated, and a changed stamp replaces the old directory.

use std::{
    fs::{self, File},
    path::Path,
};

use anyhow::{Context, Result};

/// Name of the file that marks a complete directory.
pub(super) const STAMP: &str = ".stamp";

/// Prefixes of temporary directories. They can be deleted when no setup is running.
const TEMPORARY: [&str; 2] = ["partial-", "old-"];

/// Returns whether the directory `name` is complete and has this stamp.
pub(super) fn is_complete(runtime: &Path, name: &str, stamp: &str) -> bool {
    fs::read_to_string(runtime.join(name).join(STAMP)).is_ok_and(|found| found == stamp)
}

/// Creates the directory `name` with `fill`, unless it is complete and has this stamp.
///
/// # Errors
/// Returns the error of `fill`, and an error if the disk fails. The old directory then remains.
pub(crate) fn ensure(
    runtime: &Path,
    name: &str,
    stamp: &str,
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    if is_complete(runtime, name, stamp) {
        return Ok(());
    }
    fs::create_dir_all(runtime).with_context(|| format!("cannot create {}", runtime.display()))?;
    // The lock is held until the end of the function. A second setup waits and then has nothing to do.
    let lock = File::create(runtime.join(".lock")).context("cannot create the lock file")?;
    lock.lock()
        .context("cannot lock the directory of runtime libraries")?;
    if is_complete(runtime, name, stamp) {
        return Ok(());
    }
    remove_temporary(runtime)?;
    let temporary = |prefix| tempfile::Builder::new().prefix(prefix).tempdir_in(runtime);
    let partial = temporary(TEMPORARY[0])?;
    fill(partial.path())?;
    fs::write(partial.path().join(STAMP), stamp)?;
    let old = temporary(TEMPORARY[1])?;
    let path = runtime.join(name);
    if path.exists() {
        fs::rename(&path, old.path().join(name))?;
    }
    fs::rename(partial.keep(), &path).with_context(|| format!("cannot move {name} into place"))
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
