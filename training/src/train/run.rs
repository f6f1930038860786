//! The folder of a run: what it trains, on what, by which recipe.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::claim::Claim;
use crate::{
    files,
    machine::Workplace,
    recipe::{Recipe, RecipeError},
};

/// A run's folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The folder cannot be written or read.
    #[error("cannot access {path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A new run must not overwrite an old one.
    #[error("{0} already holds a run; continue it with --resume, or name another folder")]
    Exists(PathBuf),
    /// Nothing to resume or export.
    #[error("{0} holds no run; start one with `mien-train train --arch NAME --data DIR --out {0}`")]
    Missing(PathBuf),
    /// Two processes would replace each other's checkpoint.
    #[error("another process trains in {0}; wait until it ends, or name another folder")]
    Busy(PathBuf),
    /// `run.json` is damaged.
    #[error("{path} is not valid: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// `recipe.toml` is damaged.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The recipe cannot be written as TOML.
    #[error("cannot write the recipe: {0}")]
    Toml(#[from] toml::ser::Error),
}

/// A model file or another run that a run builds on, and what it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// The model file or the run's folder, as the recipe names it.
    pub path: PathBuf,
    /// SHA-256 of the model file or the run's checkpoint.
    pub sha256: String,
}

impl SourceFile {
    /// Notes what the model file or the run at `path` holds.
    pub fn of(path: &Path, bytes: &[u8]) -> Self {
        Self { path: path.to_owned(), sha256: files::sha256(bytes) }
    }
}

/// What a run trains and on what: `run.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The network's name in the catalogue.
    pub architecture: String,
    /// The data set as named on the command line.
    pub data: PathBuf,
    /// SHA-256 of the training split.
    pub data_sha256: String,
    /// Faces that are trained on.
    pub training_faces: usize,
    /// Faces that are held out.
    pub holdout_faces: usize,
    /// Images that could not be read, with the reason.
    pub unreadable: Vec<String>,
    /// Teachers and their contents when the run began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teachers: Vec<SourceFile>,
    /// The run with whose weights it began, where it did not begin at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<SourceFile>,
    /// Version of the program that began the run.
    pub version: String,
    /// Where it trained, in order: a resume elsewhere adds one.
    #[serde(default)]
    pub workplaces: Vec<Workplace>,
}

impl Run {
    /// Starts a run's folder and takes it.
    ///
    /// # Errors
    /// Where there is a run already, or the folder cannot be written.
    pub fn create(&self, folder: &Path, recipe: &Recipe) -> Result<Claim, RunError> {
        let io = |source| RunError::Io { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(io)?;
        let claim = Claim::take(folder)?;
        if folder.join("run.json").exists() {
            return Err(RunError::Exists(folder.to_owned()));
        }
        files::replace(&folder.join("recipe.toml"), toml::to_string(recipe)?.as_bytes())
            .map_err(io)?;
        // Written last: it marks a complete folder.
        self.write(folder)?;
        Ok(claim)
    }

    fn write(&self, folder: &Path) -> Result<(), RunError> {
        let path = folder.join("run.json");
        let json = serde_json::to_string_pretty(self)
            .map_err(|source| RunError::Json { path: path.clone(), source })?;
        files::replace(&path, json.as_bytes()).map_err(|source| RunError::Io { path, source })
    }

    /// Notes in the run's folder where it goes on, unless that is where it was.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn goes_on(&mut self, folder: &Path, place: Workplace) -> Result<(), RunError> {
        if self.workplaces.last() == Some(&place) {
            return Ok(());
        }
        self.workplaces.push(place);
        self.write(folder)
    }

    /// Reads a run's folder.
    ///
    /// # Errors
    /// Where it holds no run or a damaged one.
    pub fn open(folder: &Path) -> Result<(Self, Recipe), RunError> {
        let path = folder.join("run.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(RunError::Missing(folder.to_owned()));
            }
            Err(source) => return Err(RunError::Io { path, source }),
        };
        let run = serde_json::from_str(&text).map_err(|source| RunError::Json { path, source })?;
        Ok((run, Recipe::read(&folder.join("recipe.toml"))?))
    }
}
