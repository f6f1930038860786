//! The models folder: `<name>/<version>/`, version a positive integer, with a `model.onnx` or with the `mien.toml` of an
//! ensemble.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use sha2::{Digest, Sha256};

use super::{
    name::parse_version,
    sidecar::{Sidecar, declares_ensemble},
};

/// The network of a version that is not an ensemble.
pub const MODEL_FILE: &str = "model.onnx";

/// What a models folder holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Models with at least one version, by name.
    pub models: BTreeMap<String, Folders>,
    /// Folders that could not be read; whether they are models is not known.
    pub unreadable: BTreeSet<String>,
}

/// The versions of one model.
pub type Folders = BTreeMap<u64, Found>;

/// A version on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The models folder, which holds the members of an ensemble too.
    pub root: PathBuf,
    /// The version's own folder.
    pub folder: PathBuf,
    /// The state of the version's files and, for an ensemble, of its members' files.
    pub fingerprint: Fingerprint,
}

impl Found {
    /// Takes the fingerprint of a version's folder. `root` is the models folder.
    ///
    /// # Errors
    /// When the version's folder cannot be read.
    pub fn new(root: &Path, folder: PathBuf) -> io::Result<Self> {
        let fingerprint = Fingerprint::of(root, &folder)?;
        Ok(Self {
            root: root.to_owned(),
            folder,
            fingerprint,
        })
    }

    /// Returns the file of the version's network.
    pub fn model_file(&self) -> PathBuf {
        self.folder.join(MODEL_FILE)
    }

    /// Returns whether a file was written, replaced, added or removed since the fingerprint was taken.
    pub fn has_changed(&self) -> bool {
        Fingerprint::of(&self.root, &self.folder).ok().as_ref() != Some(&self.fingerprint)
    }
}

/// What tells that a file of a version was written, replaced, added or removed, without reading it: name, size, time
/// of the last change and inode of each. The names of members' files start with `NAME@VERSION/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint(BTreeMap<String, (u64, Option<SystemTime>, u64)>);

impl Fingerprint {
    /// Files that vanish meanwhile, and members that are missing, are not in the fingerprint.
    fn of(root: &Path, folder: &Path) -> io::Result<Self> {
        let mut fingerprint = Self::default();
        fingerprint.add("", folder)?;
        if fingerprint.0.contains_key(MODEL_FILE) {
            // A version with a model file is not an ensemble. Its mien.toml is read when it is loaded.
            return Ok(fingerprint);
        }
        // An invalid mien.toml names no members. The reason is reported when the version is loaded.
        let ensemble = Sidecar::read(folder)
            .ok()
            .and_then(|sidecar| sidecar.ensemble);
        for share in ensemble.into_iter().flat_map(|ensemble| ensemble.members) {
            let _ = fingerprint.add(&format!("{}/", share.member), &share.member.folder(root));
        }
        Ok(fingerprint)
    }

    fn add(&mut self, prefix: &str, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(file) = fs::metadata(entry.path()) else {
                continue;
            };
            if file.is_file() {
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                self.0
                    .insert(name, (file.len(), file.modified().ok(), file.ino()));
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

/// Returns whether a folder holds a network or an ensemble.
pub fn is_version(folder: &Path) -> bool {
    folder.join(MODEL_FILE).is_file() || declares_ensemble(folder)
}

/// Lists the versions below a models folder. Anything of another shape is passed over.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn list(root: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for (name, folder) in subfolders(root)? {
        match versions(root, &folder) {
            Ok(versions) if versions.is_empty() => {}
            Ok(versions) => drop(listing.models.insert(name, versions)),
            // Removed since the root was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => drop(listing.unreadable.insert(name)),
        }
    }
    Ok(listing)
}

fn versions(root: &Path, folder: &Path) -> io::Result<Folders> {
    let mut versions = Folders::new();
    for (version, folder) in subfolders(folder)? {
        let Some(number) = parse_version(&version) else {
            continue;
        };
        if is_version(&folder) {
            versions.insert(number, Found::new(root, folder)?);
        }
    }
    Ok(versions)
}

fn subfolders(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.filter(|name| !name.starts_with('.') && path.is_dir()) {
            folders.push((name.to_owned(), path));
        }
    }
    Ok(folders)
}

/// SHA-256 of a file, in lower-case hex.
///
/// # Errors
/// When it cannot be read.
pub fn hash(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut HashWriter(&mut hasher))?;
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
        let folder = root.join(version);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(MODEL_FILE), text).unwrap();
    }

    #[test]
    fn lists_versions_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        for path in ["a/1", "a/10", "a/02", "a/latest", "b/0", "c", ".git/1"] {
            put(root.path(), path, "");
        }
        fs::create_dir_all(root.path().join("a/3")).unwrap();
        fs::write(root.path().join("README.md"), "").unwrap();
        let listing = list(root.path()).unwrap();
        let versions: Vec<_> = listing.models["a"].keys().copied().collect();
        assert_eq!((listing.models.len(), versions), (1, vec![1, 10]));
        assert!(list(&root.path().join("none")).is_err());
    }

    #[test]
    fn a_fingerprint_changes_with_every_file() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "a/1", "old");
        let folder = root.path().join("a/1");
        let state = || {
            list(root.path()).unwrap().models["a"][&1]
                .fingerprint
                .clone()
        };
        let first = state();
        assert_eq!(first, state());
        fs::write(folder.join("mien.toml"), "").unwrap();
        let second = state();
        assert_ne!(first, second);
        assert_eq!(first, second.without(&["mien.toml"]));
        // Of the same size, and perhaps within the clock's tick: the inode tells.
        fs::write(root.path().join("new"), "new").unwrap();
        fs::rename(root.path().join("new"), folder.join(MODEL_FILE)).unwrap();
        assert_ne!(second, state());
    }

    #[test]
    fn hashes_files() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "abc").unwrap();
        assert!(hash(file.path()).unwrap().starts_with("ba7816bf8f01cfea"));
    }
}
