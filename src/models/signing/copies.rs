//! Verified copies of the files of a version.
//!
//! Sessions are opened from the copies, also long after the load, for example after a panic of a worker. A file that is replaced
//! after its verification is therefore not used.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Component, Path},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{ModelVerifier, SignatureError, statement::SignedFiles};
use crate::{
    inference::InferenceError,
    models::{
        external_data::{self, ExternalData},
        regular_file::{self, MAX_MODEL_SIZE},
        repository::{MODEL_FILE, Repository, VersionDir},
        version_config::{self, CONFIG_FILE, VersionConfig},
        version_files::VersionFiles,
    },
};

/// Number of bytes that are read at once.
const BUFFER_SIZE: usize = 1 << 16;

impl ModelVerifier {
    /// Copies the files of a version and, if it is an ensemble, of its members into a temporary directory that only this user can
    /// read. Checks that each copy is the file that was signed.
    ///
    /// # Errors
    /// Returns an error if a signature or a file is missing or invalid, or if a copy cannot be written.
    pub(in crate::models) fn verified_files(
        &self,
        dir: &VersionDir,
    ) -> Result<VersionFiles, InferenceError> {
        let directory = tempfile::Builder::new().prefix("mien-").tempdir();
        let directory = directory.map_err(write_error)?;
        let (path, members) = (
            directory.path().join("version"),
            directory.path().join("members"),
        );
        let repository = Arc::new(Repository::Directory(members));
        self.copy_version(&dir.path, &path)?;
        let ensemble = VersionConfig::read(&path)?.ensemble;
        for share in ensemble.into_iter().flat_map(|ensemble| ensemble.members) {
            let (member, to) = (&share.member, repository.member_path(&share.member));
            let from = dir
                .repository
                .member_path(member)
                .filter(|from| from.is_dir());
            // The load reports a member that does not exist.
            if let (Some(from), Some(to)) = (from, to) {
                let copied = self.copy_version(&from, &to);
                copied.map_err(|error| error.in_member(&member.to_string()))?;
            }
        }
        Ok(VersionFiles::copied(repository, path, directory))
    }

    /// Copies the files of one directory that a load reads.
    fn copy_version(&self, from: &Path, to: &Path) -> Result<(), InferenceError> {
        let signed = self.signed_files(from)?;
        let copy = |name: &str, max: u64| copy(&signed, name, from, to, max);
        fs::create_dir_all(to).map_err(write_error)?;
        copy(CONFIG_FILE, version_config::MAX_SIZE)?;
        copy(MODEL_FILE, MAX_MODEL_SIZE)?;
        let model = to.join(MODEL_FILE);
        if !model.is_file() {
            return Ok(());
        }
        let read = |source| SignatureError::Read {
            name: MODEL_FILE.to_owned(),
            source,
        };
        let external = ExternalData::of(&model).map_err(read)?;
        external.paths(from)?;
        let names: BTreeSet<_> = external.locations.iter().map(|l| normalized(l)).collect();
        for name in &names {
            copy(name, external_data::MAX_SIZE)?;
        }
        Ok(())
    }
}

/// Copies a file of at most `max` bytes, unless it neither exists nor is signed.
fn copy(
    signed: &SignedFiles,
    name: &str,
    from: &Path,
    to: &Path,
    max: u64,
) -> Result<(), SignatureError> {
    let read = |source| SignatureError::Read {
        name: name.to_owned(),
        source,
    };
    let file = regular_file::open_bounded(&from.join(name), max);
    // The file may grow while it is read.
    let (mut file, expected) = match (file.map(|file| file.take(max)), signed.digest(name)) {
        (Ok(file), Some(expected)) => (file, expected),
        (Err(error), None) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        (Err(error), Some(_)) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SignatureError::FileMissing(name.to_owned()));
        }
        (_, None) => return Err(SignatureError::NotCovered(name.to_owned())),
        (Err(error), Some(_)) => return Err(read(error)),
    };
    let target = to.join(name);
    let parent = target.parent().map_or(Ok(()), fs::create_dir_all);
    let created = parent.and_then(|()| File::create_new(&target));
    let mut target = created.map_err(write_error)?;
    let mut sha256 = Sha256::new();
    let mut buffer = vec![0; BUFFER_SIZE];
    loop {
        let length = file.read(&mut buffer).map_err(read)?;
        if length == 0 {
            break;
        }
        sha256.update(&buffer[..length]);
        target.write_all(&buffer[..length]).map_err(write_error)?;
    }
    if sha256.finalize()[..] == expected[..] {
        Ok(())
    } else {
        Err(SignatureError::Altered(name.to_owned()))
    }
}

/// Returns the location of an external file like a signature lists it: without `.` components.
fn normalized(location: &str) -> String {
    let parts = Path::new(location).components();
    let parts = parts.filter(|part| !matches!(part, Component::CurDir));
    let parts: Vec<_> = parts
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

/// Converts an error of the temporary directory. Its text would contain the path.
fn write_error(error: io::Error) -> SignatureError {
    SignatureError::Copy(error.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(path: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(path)
    }

    #[test]
    fn copies_stay_unchanged_until_they_are_dropped() {
        let root = tempfile::tempdir().unwrap();
        let version = root.path().join("m/1");
        fs::create_dir_all(&version).unwrap();
        for (from, name) in [
            ("models/keras/1/model.onnx", MODEL_FILE),
            ("models/keras/1/mien.toml", CONFIG_FILE),
            ("signed/keras.sig", "model.sig"),
        ] {
            fs::copy(fixture(from), version.join(name)).unwrap();
        }
        fs::write(version.join("README.md"), "not signed and not read").unwrap();
        let repository = Arc::new(Repository::Directory(root.path().to_owned()));
        let dir = VersionDir::new(&repository, version.clone()).unwrap();
        let verifier = ModelVerifier::open(&fixture("signed/p256.pub")).unwrap();
        let files = verifier.verified_files(&dir).unwrap();
        let (copy, content) = (
            files.file(MODEL_FILE),
            fs::read(version.join(MODEL_FILE)).unwrap(),
        );
        fs::write(version.join(MODEL_FILE), "replaced").unwrap();
        assert_eq!(fs::read(&copy).unwrap(), content);
        assert!(!files.file("README.md").exists());
        let kept = files.copies();
        drop(files);
        assert!(copy.exists());
        drop(kept);
        assert!(!copy.exists());
        let error = verifier.verified_files(&dir).err().unwrap();
        assert!(
            error.to_string().contains("`model.onnx` differs"),
            "{error}"
        );
    }

    #[test]
    fn locations_are_normalized_like_in_signatures() {
        for (location, expected) in [
            ("model.onnx.data", "model.onnx.data"),
            ("./model.onnx.data", "model.onnx.data"),
            ("weights/./a.bin", "weights/a.bin"),
        ] {
            assert_eq!(normalized(location), expected);
        }
    }
}
