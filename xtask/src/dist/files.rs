//! Copies and lists files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Copies the files of a directory and its subdirectories that `is_wanted` selects. Links are followed.
pub(super) fn copy_all(from: &Path, to: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))?;
    for entry in entries {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_all(&path, &target, is_wanted)?;
        } else if is_wanted(&path) {
            create_dir(to)?;
            copy(&path, &target)?;
        }
    }
    Ok(())
}

/// Copies a file.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Creates a directory with its parents.
pub(super) fn create_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))
}

/// Returns whether the file has one of the extensions.
pub(super) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().unwrap_or_default();
    extensions.iter().any(|wanted| extension == *wanted)
}

/// Returns the files below a directory, sorted by their paths.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_all_keeps_directories_of_wanted_files() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir_all(from.path().join("a/1")).unwrap();
        fs::create_dir(from.path().join("empty")).unwrap();
        for file in ["a/1/model.onnx", "a/1/history.csv", "README.md"] {
            fs::write(from.path().join(file), file).unwrap();
        }
        copy_all(from.path(), to.path(), &|path| {
            has_extension(path, &["onnx", "md"])
        })
        .unwrap();
        let names = files(to.path()).unwrap();
        let expected = ["README.md", "a/1/model.onnx"].map(|name| to.path().join(name));
        assert_eq!(names, expected);
    }
}
