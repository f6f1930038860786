//! The training of a model file, read from the file's metadata.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::onnx::read;

/// The part of a model file's metadata that identifies its training. Of the recipe these are only the keys that determine the
/// held-out faces, because other keys have been renamed since older files were written.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// The network's name in the catalogue.
    pub architecture: String,
    /// The recipe's seed.
    pub seed: u64,
    /// Share of every class of the training faces that was held out.
    pub holdout: f64,
    /// SHA-256 of the training split, 64 hex digits.
    pub data_sha256: String,
    /// SHA-256 of the model file, 64 hex digits.
    pub sha256: String,
}

/// The keys of a recipe that determine the held-out faces.
#[derive(Deserialize)]
struct Split {
    seed: u64,
    holdout: f64,
}

/// The training of a model file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// The file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The I/O error.
        reason: io::Error,
    },
    /// Not an ONNX file.
    #[error("{path} is not an ONNX file: {reason}")]
    Decode {
        /// The file.
        path: PathBuf,
        /// The decoding error.
        reason: prost::DecodeError,
    },
    /// `mien-train export` did not write this file.
    #[error("{path} has no usable metadata `{key}`; use a file that `mien-train export` wrote")]
    Metadata {
        /// The file.
        path: PathBuf,
        /// The metadata's key.
        key: &'static str,
    },
}

impl Origin {
    /// Reads the metadata of a model file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or `mien-train export` did not write it.
    pub fn read(path: &Path) -> Result<Self, OriginError> {
        let bytes = fs::read(path).map_err(|reason| OriginError::Io {
            path: path.to_owned(),
            reason,
        })?;
        let metadata = read::metadata(&bytes).map_err(|reason| OriginError::Decode {
            path: path.to_owned(),
            reason,
        })?;
        let unusable = |key| OriginError::Metadata {
            path: path.to_owned(),
            key,
        };
        let text = |key: &'static str| metadata.get(key).ok_or_else(|| unusable(key));
        let recipe: Split =
            serde_json::from_str(text("mien.recipe")?).map_err(|_| unusable("mien.recipe"))?;
        let data_sha256 = text("mien.trained_on")?.rsplit_once("sha256:");
        Ok(Self {
            architecture: text("mien.architecture")?.clone(),
            seed: recipe.seed,
            holdout: recipe.holdout,
            data_sha256: data_sha256
                .ok_or_else(|| unusable("mien.trained_on"))?
                .1
                .to_owned(),
            sha256: hex::encode(Sha256::digest(&bytes)),
        })
    }
}
