//! Errors of run folders.

use std::{io, path::PathBuf};

use crate::recipe::RecipeError;

/// A run's folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The folder cannot be written or read.
    #[error("cannot access {path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A new run must not overwrite an old one.
    #[error("{0} already contains a run; continue it with --resume, or name another folder")]
    Exists(PathBuf),
    /// The folder does not contain a run.
    #[error(
        "{0} does not contain a run; start one with `mien-train train --arch NAME --data DIR --out {0}`"
    )]
    Missing(PathBuf),
    /// Two processes would replace each other's checkpoint.
    #[error("another process trains in {0}; wait until it exits, or name another folder")]
    Busy(PathBuf),
    /// `run.json` is damaged.
    #[error("{path} is not valid: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
    /// `recipe.toml` is damaged.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The recipe cannot be written as TOML.
    #[error("cannot write the recipe: {0}")]
    Toml(#[from] toml::ser::Error),
}
