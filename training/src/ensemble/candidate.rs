//! Exported models that may become members of an ensemble.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{EnsembleError, ModelVersion};
use crate::export::Origin;

/// An exported model that may become a member.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its name and version.
    pub version: ModelVersion,
    /// How it was trained.
    pub origin: Origin,
    path: PathBuf,
}

impl Candidate {
    /// Reads the model file.
    pub(super) fn read(&self) -> Result<Vec<u8>, EnsembleError> {
        fs::read(&self.path).map_err(|reason| EnsembleError::Io {
            path: self.path.clone(),
            reason,
        })
    }
}

/// Opens the candidates in the models folder.
pub(super) fn open(
    models: &Path,
    versions: &[ModelVersion],
) -> Result<Vec<Candidate>, EnsembleError> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for version in versions {
        if candidates
            .iter()
            .any(|candidate| candidate.version == *version)
        {
            return Err(EnsembleError::Repeated(version.clone()));
        }
        let path = models.join(version.file());
        let origin = Origin::read(&path)?;
        candidates.push(Candidate {
            version: version.clone(),
            origin,
            path,
        });
    }
    Ok(candidates)
}

/// Checks that all candidates were trained on the same data set.
pub(super) fn check_data(candidates: &[Candidate], data_sha256: &str) -> Result<(), EnsembleError> {
    match candidates
        .iter()
        .find(|candidate| candidate.origin.data_sha256 != data_sha256)
    {
        Some(candidate) => Err(EnsembleError::OtherData {
            model: candidate.version.clone(),
            there: candidate.origin.data_sha256.clone(),
            here: data_sha256.to_owned(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_requires_name_and_positive_number() {
        let version: ModelVersion = "resnet-20-v1@12".parse().unwrap();
        assert_eq!(version.to_string(), "resnet-20-v1@12");
        for text in ["a", "a@", "a@0", "a@-1", "@1", "../a@1", ".a@1", "a\\b@1"] {
            assert!(text.parse::<ModelVersion>().is_err(), "{text}");
        }
    }
}
