//! The plan file as TOML.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Int8File, PlanError, PlannedEnsemble, requirement::Requirement};
use crate::onnx::{views::Views, weights::WeightFormat};

/// A plan file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanFile {
    /// `[[run]]`: the runs in any sequence.
    #[serde(default)]
    pub(super) run: Vec<Entry>,
    /// `[[int8]]`: files that are quantised from exports.
    #[serde(default)]
    pub(super) int8: Vec<Int8File>,
    /// `[[ensemble]]`: ensembles of the exports and INT8 files.
    #[serde(default)]
    pub(super) ensemble: Vec<PlannedEnsemble>,
}

/// One `[[run]]` of a plan file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// Name of the run's folder.
    pub(super) name: String,
    /// The network's name in the catalogue.
    pub(super) arch: String,
    /// The recipe's path relative to the plan file.
    pub(super) recipe: PathBuf,
    /// Recipe keys that this run replaces.
    #[serde(default)]
    pub(super) overrides: toml::Table,
    /// Runs of the plan that `distill.teachers` of the recipe refers to.
    #[serde(default)]
    pub(super) teachers: Vec<String>,
    /// Run of the plan that `init` of the recipe refers to.
    pub(super) init: Option<String>,
    /// Processor features that training needs.
    #[serde(default)]
    pub(super) requires: Requirement,
    /// Model files that are exported from the run.
    #[serde(default)]
    pub(super) exports: Vec<Export>,
}

/// A model file that a run is exported to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// The model file relative to the root folder: `models/NAME/VERSION/model.onnx`.
    pub path: PathBuf,
    /// Whether batch-norm statistics are recomputed from training faces that are not augmented.
    #[serde(default)]
    pub precise_bn: bool,
    /// The views of a face that the file averages: `"single"` or `"flip"`.
    #[serde(default)]
    pub views: Views,
    /// The element type of stored weights: `"fp32"` or `"fp16"`.
    #[serde(default)]
    pub weights: WeightFormat,
    /// Run of the plan whose held-out faces determine the temperature; by default the run itself.
    pub temperature_from: Option<String>,
}

impl PlanFile {
    /// Reads a plan file.
    pub(super) fn read(path: &Path) -> Result<Self, PlanError> {
        let text = std::fs::read_to_string(path).map_err(|reason| PlanError::Read {
            path: path.to_owned(),
            reason,
        })?;
        let file: Self = toml::from_str(&text).map_err(|reason| PlanError::Parse {
            path: path.to_owned(),
            reason: Box::new(reason),
        })?;
        if file.run.is_empty() {
            return Err(PlanError::Empty(path.to_owned()));
        }
        Ok(file)
    }
}

impl Entry {
    /// Returns the names of the runs that must be finished before this one, each with the key that names it.
    pub(super) fn dependencies(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let teachers = self.teachers.iter().map(|name| ("teachers", name.as_str()));
        let init = self.init.iter().map(|name| ("init", name.as_str()));
        let partners = self
            .exports
            .iter()
            .filter_map(|export| export.temperature_from.as_deref());
        teachers
            .chain(init)
            .chain(partners.map(|name| ("temperature_from", name)))
    }
}
