//! The files of an ensemble's version folder.

use std::{collections::BTreeMap, fs, path::Path};

use mien_host::atomic_file;
use serde::Serialize;

use super::{EnsembleError, model_version::MODEL_FILE};
use crate::{
    plot,
    report::{self, ensemble::EnsembleReport},
};

/// Files that make a folder a version of a model.
const MODEL_FILES: [&str; 2] = [MANIFEST, MODEL_FILE];

/// The file from which the server loads an ensemble.
const MANIFEST: &str = "mien.toml";

/// The contents of [`MANIFEST`].
#[derive(Serialize)]
struct Manifest {
    ensemble: Members,
}

#[derive(Serialize)]
struct Members {
    members: Vec<String>,
    weights: Vec<f64>,
    created: String,
    accuracy: BTreeMap<String, f64>,
}

/// Checks that a folder does not contain a model.
pub(super) fn check(folder: &Path) -> Result<(), EnsembleError> {
    if MODEL_FILES.iter().any(|file| folder.join(file).exists()) {
        return Err(EnsembleError::Exists(folder.to_owned()));
    }
    Ok(())
}

/// Returns the report of a version folder, or `None` if the folder does not contain a finished ensemble.
pub fn finished(folder: &Path) -> Option<EnsembleReport> {
    let is_finished = folder.join(MANIFEST).is_file();
    let json = is_finished.then(|| fs::read(folder.join(report::JSON)).ok());
    serde_json::from_slice(&json??).ok()
}

/// Writes the version folder. `mien.toml` comes last, so that a server never loads an ensemble without its card.
pub(super) fn write(folder: &Path, found: &EnsembleReport) -> Result<(), EnsembleError> {
    let io = |reason| EnsembleError::Io {
        path: folder.to_owned(),
        reason,
    };
    fs::create_dir_all(folder).map_err(io)?;
    let mut json = serde_json::to_string_pretty(found)?;
    json.push('\n');
    if let Some(test) = &found.test {
        let confusion = &test.report.confusion;
        plot::confusion(
            "ensemble",
            "test faces",
            confusion,
            &folder.join(plot::CONFUSION),
        )?;
    }
    for (name, text) in [
        (report::JSON, json),
        (report::CARD, report::ensemble::card(found)),
        (MANIFEST, toml::to_string(&manifest(found))?),
    ] {
        atomic_file::write(&folder.join(name), text.as_bytes()).map_err(io)?;
    }
    Ok(())
}

fn manifest(found: &EnsembleReport) -> Manifest {
    let test = found
        .test
        .as_ref()
        .map(|test| report::accuracies(&test.report));
    Manifest {
        ensemble: Members {
            members: found
                .members
                .iter()
                .map(|member| member.model.clone())
                .collect(),
            weights: found.members.iter().map(|member| member.weight).collect(),
            created: found.created.clone(),
            accuracy: test.unwrap_or_default(),
        },
    }
}
