//! Metadata of a run: `run.json` and the recipe.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use mien_host::atomic_file;
use serde::{Deserialize, Serialize};

use super::{error::RunError, lock::RunLock, source_file::SourceFile};
use crate::{
    machine::Environment,
    recipe::{self, Recipe},
};

/// The file's name in the run's folder.
const FILE_NAME: &str = "run.json";

/// Metadata of a run: `run.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunMetadata {
    /// The network's name in the catalogue.
    pub architecture: String,
    /// Path of the data set as given on the command line.
    pub data: PathBuf,
    /// SHA-256 of the training split.
    pub data_sha256: String,
    /// Number of training faces.
    pub training_faces: usize,
    /// Number of held-out faces.
    pub holdout_faces: usize,
    /// Images that could not be read, with the reason.
    pub unreadable: Vec<String>,
    /// Teachers and their digests when the run started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teachers: Vec<SourceFile>,
    /// The run that provided the initial weights; `None` for random ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<SourceFile>,
    /// Version of the program that started the run.
    pub version: String,
    /// Environments that trained the run, in order. A resume in another environment adds one.
    #[serde(default, rename = "workplaces")]
    pub environments: Vec<Environment>,
}

impl RunMetadata {
    /// Creates a run's folder and locks it.
    ///
    /// # Errors
    /// Returns an error if the folder already contains a run, or cannot be written.
    pub fn create(&self, folder: &Path, recipe: &Recipe) -> Result<RunLock, RunError> {
        let io = |source| RunError::Io {
            path: folder.to_owned(),
            source,
        };
        fs::create_dir_all(folder).map_err(io)?;
        let lock = RunLock::acquire(folder)?;
        if folder.join(FILE_NAME).exists() {
            return Err(RunError::Exists(folder.to_owned()));
        }
        atomic_file::write(
            &folder.join(recipe::FILE_NAME),
            toml::to_string(recipe)?.as_bytes(),
        )
        .map_err(io)?;
        // `run.json` is written last, because its presence marks a complete folder.
        self.write(folder)?;
        Ok(lock)
    }

    fn write(&self, folder: &Path) -> Result<(), RunError> {
        let path = folder.join(FILE_NAME);
        let json = serde_json::to_string_pretty(self).map_err(|source| RunError::Json {
            path: path.clone(),
            source,
        })?;
        atomic_file::write(&path, json.as_bytes()).map_err(|source| RunError::Io { path, source })
    }

    /// Records the environment of this process in the run's folder if it differs from the last one.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be written.
    pub fn record_resume(
        &mut self,
        folder: &Path,
        environment: Environment,
    ) -> Result<(), RunError> {
        if self.environments.last() == Some(&environment) {
            return Ok(());
        }
        self.environments.push(environment);
        self.write(folder)
    }

    /// Reads a run's folder.
    ///
    /// # Errors
    /// Returns an error if the folder does not contain a run, or the run is damaged.
    pub fn open(folder: &Path) -> Result<(Self, Recipe), RunError> {
        let path = folder.join(FILE_NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(RunError::Missing(folder.to_owned()));
            }
            Err(source) => return Err(RunError::Io { path, source }),
        };
        let run = serde_json::from_str(&text).map_err(|source| RunError::Json { path, source })?;
        Ok((run, Recipe::read(&folder.join(recipe::FILE_NAME))?))
    }
}
