//! The models on disk. A version is a directory with a `model.onnx` or with the `mien.toml` of an ensemble. Its number is a
//! positive integer.

mod ignored;
mod layout;

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use sha2::{Digest, Sha256};

pub use self::{
    ignored::{IgnoredPath, describe_ignored},
    layout::{Listing, Repository, VersionDirs},
};
use super::{
    regular_file,
    version_config::{VersionConfig, declares_ensemble},
};

/// Name of the model file of a version that is not an ensemble.
pub const MODEL_FILE: &str = "model.onnx";

/// Maximum depth of the subdirectories of a version whose files are part of the fingerprint.
const MAX_DEPTH: usize = 4;

/// A version on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionDir {
    /// The repository, which also contains the members of an ensemble.
    pub repository: Arc<Repository>,
    /// The directory of the version.
    pub path: PathBuf,
    /// The state of the version's files and, for an ensemble, of its members' files.
    pub fingerprint: Fingerprint,
}

impl VersionDir {
    /// Computes the fingerprint of the version in `path`.
    ///
    /// # Errors
    /// Returns an error if the directory of the version cannot be read.
    pub fn new(repository: &Arc<Repository>, path: PathBuf) -> io::Result<Self> {
        let fingerprint = Fingerprint::of(repository, &path)?;
        Ok(Self {
            repository: Arc::clone(repository),
            path,
            fingerprint,
        })
    }

    /// Returns the path of the model file.
    pub fn model_file(&self) -> PathBuf {
        self.path.join(MODEL_FILE)
    }

    /// Returns whether a file was written, replaced, added or removed since the fingerprint was taken.
    pub fn has_changed(&self) -> bool {
        Fingerprint::of(&self.repository, &self.path).ok().as_ref() != Some(&self.fingerprint)
    }
}

/// Detects that a file of a version was written, replaced, added or removed, without reading it. Contains name, size,
/// modification time and inode of each file. The names of members' files start with `NAME@VERSION/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint(BTreeMap<String, (u64, Option<SystemTime>, u64)>);

impl Fingerprint {
    /// Computes the fingerprint of a version. It does not contain files that are removed at the same time, or missing members.
    fn of(repository: &Repository, path: &Path) -> io::Result<Self> {
        let mut fingerprint = Self::default();
        fingerprint.add("", path, 0)?;
        if fingerprint.0.contains_key(MODEL_FILE) {
            // A version with a model file is not an ensemble. Its mien.toml is read when it is loaded.
            return Ok(fingerprint);
        }
        // An invalid mien.toml names no members. The reason is reported when the version is loaded.
        let ensemble = VersionConfig::read(path)
            .ok()
            .and_then(|config| config.ensemble);
        for share in ensemble.into_iter().flat_map(|ensemble| ensemble.members) {
            if let Some(directory) = repository.member_path(&share.member) {
                let _ = fingerprint.add(&format!("{}/", share.member), &directory, 0);
            }
        }
        Ok(fingerprint)
    }

    /// Adds the files of a directory. Subdirectories may contain external data; hidden ones and those below the maximum depth are
    /// skipped.
    fn add(&mut self, prefix: &str, directory: &Path, depth: usize) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let Ok(file) = fs::metadata(entry.path()) else {
                continue;
            };
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            if file.is_file() {
                self.0
                    .insert(path, (file.len(), file.modified().ok(), file.ino()));
            } else if file.is_dir() && !name.starts_with('.') && depth < MAX_DEPTH {
                // A subdirectory may be removed at the same time.
                let _ = self.add(&format!("{path}/"), &entry.path(), depth + 1);
            }
        }
        Ok(())
    }

    /// Returns the fingerprint without the files of these names, members' files included.
    pub fn without(&self, names: &[&str]) -> Self {
        let is_other = |name: &str| {
            name.rsplit('/')
                .next()
                .is_none_or(|own| !names.contains(&own))
        };
        let others = self.0.iter().filter(|(name, _)| is_other(name));
        Self(others.map(|(name, state)| (name.clone(), *state)).collect())
    }
}

/// Returns whether a directory contains a model file or an ensemble.
pub fn is_version(directory: &Path) -> bool {
    directory.join(MODEL_FILE).is_file() || declares_ensemble(directory)
}

/// Returns the SHA-256 of a file in lower-case hex.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub fn hash(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut regular_file::open(path)?, &mut HashWriter(&mut hasher))?;
    Ok(hex::encode(hasher.finalize()))
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, version: &str, text: &str) {
        let directory = root.join(version);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(MODEL_FILE), text).unwrap();
    }

    #[test]
    fn fingerprint_changes_with_each_file() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "a/1", "old");
        let directory = root.path().join("a/1");
        let state = || {
            let repository = Arc::new(Repository::Directory(root.path().to_owned()));
            let dir = VersionDir::new(&repository, directory.clone());
            dir.unwrap().fingerprint
        };
        let first = state();
        assert_eq!(first, state());
        fs::write(directory.join("mien.toml"), "").unwrap();
        let second = state();
        assert_ne!(first, second);
        assert_eq!(first, second.without(&["mien.toml"]));
        // Size and modification time may be equal, but the inode differs.
        fs::write(root.path().join("new"), "new").unwrap();
        fs::rename(root.path().join("new"), directory.join(MODEL_FILE)).unwrap();
        assert_ne!(second, state());
    }

    #[test]
    fn hash_is_sha256() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "abc").unwrap();
        assert!(hash(file.path()).unwrap().starts_with("ba7816bf8f01cfea"));
    }
}
