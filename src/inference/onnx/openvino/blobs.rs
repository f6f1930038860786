//! Models that OpenVINO has compiled, on disk.
//!
//! OpenVINO does not notice damaged files: it returns wrong predictions. Each directory therefore has a list of checksums, and a
//! directory that does not match its list is compiled again.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use mien_host::atomic_file;
use sha2::{Digest, Sha256};

use crate::inference::runtime::openvino::OpenVinoError;

/// Name of the list: file name to SHA-256, as JSON.
const CHECKSUMS: &str = "checksums.json";

/// A directory with one subdirectory per compiled model.
pub(super) struct BlobCache {
    directory: PathBuf,
}

impl BlobCache {
    /// Uses the subdirectory `openvino` of a directory.
    pub(super) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.join("openvino"),
        }
    }

    /// Returns the directory of a compiled model. Compiles the model with `compile` if it is not stored or damaged. Returns
    /// `None` if the model was compiled but could not be stored.
    ///
    /// # Errors
    /// Returns the error of `compile`.
    pub(super) fn get(
        &self,
        key: &[&str],
        compile: impl Fn(Option<&Path>) -> Result<(), OpenVinoError>,
    ) -> Result<Option<PathBuf>, OpenVinoError> {
        let name = hex::encode(Sha256::digest(key.join("\n")));
        let path = self.directory.join(name);
        match is_valid(&path) {
            Ok(true) => return Ok(Some(path)),
            Ok(false) => {
                tracing::warn!(path = %path.display(), "the stored compiled model is damaged; it is compiled again");
                // If this fails, the new directory cannot be renamed, which is logged below.
                let _ = fs::remove_dir_all(&path);
            }
            // Not stored yet, or not readable.
            Err(_) => {}
        }
        let partial = fs::create_dir_all(&self.directory)
            .and_then(|()| tempfile::tempdir_in(&self.directory));
        let stored = match partial {
            Ok(partial) => {
                compile(Some(partial.path()))?;
                write_checksums(partial.path()).and_then(|()| fs::rename(partial.path(), &path))
            }
            Err(error) => {
                compile(None)?;
                Err(error)
            }
        };
        match stored {
            Ok(()) => Ok(Some(path)),
            // Another server may have stored the model meanwhile.
            Err(_) if is_valid(&path).unwrap_or(false) => Ok(Some(path)),
            Err(error) => {
                tracing::warn!(
                    directory = %self.directory.display(),
                    %error,
                    "cannot store the compiled model; the next start compiles it again"
                );
                Ok(None)
            }
        }
    }
}

/// Returns whether the files of a directory match its list.
///
/// # Errors
/// Returns an error if the directory cannot be read, also if it does not exist.
fn is_valid(directory: &Path) -> io::Result<bool> {
    let actual = checksums(directory)?;
    let expected = fs::read(directory.join(CHECKSUMS));
    let expected = expected
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    Ok(!actual.is_empty() && expected == Some(actual))
}

fn write_checksums(directory: &Path) -> io::Result<()> {
    let checksums = checksums(directory)?;
    if checksums.is_empty() {
        return Err(io::Error::other("OpenVINO did not store a file"));
    }
    let json = serde_json::to_vec_pretty(&checksums)?;
    atomic_file::write(&directory.join(CHECKSUMS), &json)
}

/// Returns the SHA-256 of each file except the list.
fn checksums(directory: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut checksums = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != CHECKSUMS {
            let sha256 = hex::encode(Sha256::digest(fs::read(entry.path())?));
            checksums.insert(name, sha256);
        }
    }
    Ok(checksums)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const KEY: &[&str] = &["model", "1", "processor"];

    /// A cache and the number of compilations.
    struct Bench {
        directory: tempfile::TempDir,
        compiled: Cell<usize>,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                directory: tempfile::tempdir().unwrap(),
                compiled: Cell::new(0),
            }
        }

        /// Returns the directory of a model, and how often it has been compiled so far.
        fn get(&self, key: &[&str]) -> (PathBuf, usize) {
            let compile = |blobs: Option<&Path>| {
                self.compiled.set(self.compiled.get() + 1);
                fs::write(blobs.unwrap().join("1.blob"), "compiled").unwrap();
                Ok(())
            };
            let path = BlobCache::new(self.directory.path()).get(key, compile);
            (path.unwrap().unwrap(), self.compiled.get())
        }
    }

    #[test]
    fn model_is_compiled_once_per_key() {
        let bench = Bench::new();
        let (first, _) = bench.get(KEY);
        assert_eq!(fs::read(first.join("1.blob")).unwrap(), b"compiled");
        assert_eq!(bench.get(KEY), (first.clone(), 1));
        let (other, compiled) = bench.get(&["model", "2", "processor"]);
        assert_eq!(compiled, 2);
        assert_ne!(other, first);
        let entries = fs::read_dir(bench.directory.path().join("openvino")).unwrap();
        assert_eq!(entries.count(), 2, "temporary directories must be removed");
    }

    #[test]
    fn damaged_model_is_compiled_again() {
        let bench = Bench::new();
        let (path, _) = bench.get(KEY);
        let damages: [&dyn Fn(); 4] = [
            &|| fs::write(path.join("1.blob"), "compilex").unwrap(),
            &|| fs::remove_file(path.join("1.blob")).unwrap(),
            &|| fs::write(path.join("2.blob"), "").unwrap(),
            &|| fs::write(path.join(CHECKSUMS), "{").unwrap(),
        ];
        for (index, damage) in damages.iter().enumerate() {
            damage();
            assert_eq!(bench.get(KEY), (path.clone(), index + 2));
            assert_eq!(fs::read(path.join("1.blob")).unwrap(), b"compiled");
        }
    }

    #[test]
    fn failed_compilation_is_not_stored() {
        let bench = Bench::new();
        let failed = || OpenVinoError::Model("unsupported".to_owned());
        let result = BlobCache::new(bench.directory.path()).get(KEY, |_| Err(failed()));
        assert_eq!(result, Err(failed()));
        assert_eq!(bench.get(KEY).1, 1);
    }

    #[test]
    fn unwritable_directory_compiles_without_storing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let result = BlobCache::new(file.path()).get(KEY, |blobs| {
            assert_eq!(blobs, None);
            Ok(())
        });
        assert_eq!(result, Ok(None));
    }
}
