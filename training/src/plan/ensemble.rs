//! Ensembles of a plan, which are chosen among its models.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Layout, PlanError};
use crate::{
    ensemble::{self, DEFAULT_MIN_FACES, EnsembleError, ModelVersion, Settings, selection::Limits},
    report::ensemble::CandidateReport,
};

/// The folder below the root that contains the candidates.
const MODELS: &str = "models";

/// An ensemble of a plan: one `[[ensemble]]` of the plan file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedEnsemble {
    /// Models of the plan that may become members: `NAME@VERSION` for `models/NAME/VERSION/model.onnx`.
    pub candidates: Vec<ModelVersion>,
    /// The version folder relative to the root folder: `models/NAME/VERSION`.
    pub path: PathBuf,
    /// Minimum number of training faces that all candidates held out.
    #[serde(default = "default_min_faces")]
    pub min_faces: usize,
}

fn default_min_faces() -> usize {
    DEFAULT_MIN_FACES
}

impl PlannedEnsemble {
    /// Returns the model files of the candidates relative to the root folder.
    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> {
        let files = self.candidates.iter().map(ModelVersion::file);
        files.map(|file| Path::new(MODELS).join(file))
    }

    /// Checks that the candidates are among the model files of the plan, and that the ensemble has a folder of its own.
    pub(super) fn check(&self, models: &[&Path]) -> Result<(), PlanError> {
        let path = || self.path.clone();
        if self.candidates.is_empty() {
            return Err(PlanError::EnsembleWithoutCandidates(path()));
        }
        let mut candidates = self.candidates.iter().zip(self.files());
        if let Some((candidate, _)) = candidates.find(|(_, file)| !models.contains(&file.as_path()))
        {
            let (path, candidate) = (path(), candidate.to_string());
            return Err(PlanError::EnsembleCandidate { path, candidate });
        }
        let mut parts = self.path.components();
        let is_inside = parts.all(|part| matches!(part, Component::Normal(_)));
        let is_taken = models.iter().any(|model| model.starts_with(&self.path));
        if self.path == Path::new("") || !is_inside || is_taken {
            return Err(PlanError::EnsemblePath(path()));
        }
        Ok(())
    }

    /// Returns whether the ensemble exists and was chosen among the present files of these candidates.
    pub fn is_current(&self, layout: &Layout) -> bool {
        let Some(report) = ensemble::finished(&layout.model(&self.path)) else {
            return false;
        };
        let names = self.candidates.iter().map(ToString::to_string);
        let has_file = |(candidate, file): (&CandidateReport, PathBuf)| {
            let file = fs::read(layout.model(&file));
            file.is_ok_and(|file| candidate.sha256 == hex::encode(Sha256::digest(file)))
        };
        names.eq(report.candidates.iter().map(|known| known.model.clone()))
            && report.candidates.iter().zip(self.files()).all(has_file)
    }

    /// Chooses the members and writes the version folder.
    pub(super) fn write(&self, layout: &Layout, data: &Path) -> Result<(), EnsembleError> {
        let out = layout.model(&self.path);
        let report = ensemble::build(&Settings {
            data: data.to_owned(),
            models: layout.model(Path::new(MODELS)),
            candidates: self.candidates.clone(),
            limits: Limits::default(),
            min_faces: self.min_faces,
            out: out.clone(),
        })?;
        eprintln!(
            "wrote {}; {} of {} candidates are members",
            out.display(),
            report.members.len(),
            report.candidates.len()
        );
        Ok(())
    }
}
