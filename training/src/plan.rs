//! Plans: lists of runs with their recipes, teachers and exports, for `mien-train run-all`.
//!
//! ```text
//! plan.toml -> file -> checks (order, sources) -> Plan -> state (what exists) -> schedule (what to do) -> execute -> summary
//!   -> int8 (files that are quantised from exports) -> ensemble (averages of these models)
//! ```
//!
//! A plan is checked completely before its first run starts.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use crate::{recipe::Recipe, train::prepare};

mod checks;
mod ensemble;
mod error;
pub mod execute;
mod file;
mod int8;
mod int8_checks;
mod layout;
mod order;
mod overrides;
mod requirement;
pub mod schedule;
mod sources;
pub mod state;
pub mod summary;

pub use ensemble::PlannedEnsemble;
pub use error::PlanError;
pub use file::Export;
use file::{Entry, PlanFile};
pub use int8::Int8File;
pub use layout::Layout;
pub use requirement::{Processor, Requirement};

/// A valid plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Every run after the runs that it depends on.
    runs: Vec<PlannedRun>,
    int8: Vec<Int8File>,
    ensembles: Vec<PlannedEnsemble>,
}

/// A run of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRun {
    /// Name of the run's folder.
    pub name: String,
    /// The network's name in the catalogue.
    pub architecture: String,
    /// The recipe with its overrides. Its paths are relative to the root folder.
    pub recipe: Recipe,
    /// Runs that are teachers of this one.
    pub teachers: Vec<String>,
    /// Run whose averaged weights are the initial weights.
    pub init: Option<String>,
    /// Processor features that training needs.
    pub requires: Requirement,
    /// Model files that are exported from the run.
    pub exports: Vec<Export>,
}

impl Plan {
    /// Reads and checks a plan file and its recipes.
    ///
    /// # Errors
    /// Returns the first mistake of the file or of a recipe.
    pub fn read(path: &Path) -> Result<Self, PlanError> {
        let PlanFile {
            run,
            int8,
            ensemble: ensembles,
        } = PlanFile::read(path)?;
        let entries = checks::sorted(run)?;
        checks::check_exports(&entries)?;
        int8_checks::check(&int8, entries.iter().flat_map(|entry| &entry.exports))?;
        let exports = entries.iter().flat_map(|entry| &entry.exports);
        let models: Vec<&Path> = model_files(exports, &int8).collect();
        for ensemble in &ensembles {
            ensemble.check(&models)?;
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let run = |entry: &Entry| {
            let recipe = overrides::recipe(entry, folder)?;
            sources::check(entry, &recipe, &entries)?;
            prepare::network(&entry.arch, &recipe).map_err(|reason| PlanError::Architecture {
                run: entry.name.clone(),
                reason,
            })?;
            Ok(PlannedRun {
                name: entry.name.clone(),
                architecture: entry.arch.clone(),
                recipe,
                teachers: entry.teachers.clone(),
                init: entry.init.clone(),
                requires: entry.requires,
                exports: entry.exports.clone(),
            })
        };
        Ok(Self {
            runs: entries.iter().map(run).collect::<Result<_, _>>()?,
            int8,
            ensembles,
        })
    }

    /// Returns the runs, each after those that it depends on.
    pub fn runs(&self) -> &[PlannedRun] {
        &self.runs
    }

    /// Returns the INT8 files that are quantised after all runs.
    pub fn int8(&self) -> &[Int8File] {
        &self.int8
    }

    /// Returns the ensembles that are chosen after all INT8 files are written.
    pub fn ensembles(&self) -> &[PlannedEnsemble] {
        &self.ensembles
    }

    /// Returns the plan of one run and all runs that it depends on.
    ///
    /// # Errors
    /// Returns an error if the plan does not list the run.
    pub fn only(&self, name: &str) -> Result<Self, PlanError> {
        if !self.runs.iter().any(|run| run.name == name) {
            let known = self
                .runs
                .iter()
                .map(|run| run.name.as_str())
                .collect::<Vec<_>>();
            let known = known.join(", ");
            return Err(PlanError::UnknownSelection {
                name: name.to_owned(),
                known,
            });
        }
        // Runs are visited from last to first, so that a run is visited before its dependencies.
        let mut selected = BTreeSet::from([name]);
        for run in self.runs.iter().rev() {
            if selected.contains(run.name.as_str()) {
                selected.extend(run.dependencies());
            }
        }
        let runs = self.runs.iter();
        let runs: Vec<PlannedRun> = runs
            .filter(|run| selected.contains(run.name.as_str()))
            .cloned()
            .collect();
        let is_exported = |file: &&Int8File| {
            let mut exports = runs.iter().flat_map(|run| &run.exports);
            exports.any(|export| export.path == file.model)
        };
        let int8: Vec<Int8File> = self.int8.iter().filter(is_exported).cloned().collect();
        let exports = runs.iter().flat_map(|run| &run.exports);
        let models: Vec<&Path> = model_files(exports, &int8).collect();
        let has_candidates = |ensemble: &&PlannedEnsemble| {
            let mut files = ensemble.files();
            files.all(|file| models.contains(&file.as_path()))
        };
        let ensembles = self.ensembles.iter().filter(has_candidates);
        let ensembles = ensembles.cloned().collect();
        Ok(Self {
            runs,
            int8,
            ensembles,
        })
    }
}

impl PlannedRun {
    /// Returns the names of the runs that must be finished before this one.
    pub fn dependencies(&self) -> impl Iterator<Item = &str> {
        let holdout_runs = self
            .exports
            .iter()
            .filter_map(|export| export.temperature_from.as_deref());
        let init = self.init.as_deref();
        self.teachers
            .iter()
            .map(String::as_str)
            .chain(init)
            .chain(holdout_runs)
    }
}

/// Returns the files of exports and INT8 files.
fn model_files<'a>(
    exports: impl Iterator<Item = &'a Export>,
    int8: &'a [Int8File],
) -> impl Iterator<Item = &'a Path> {
    let exports = exports.map(|export| export.path.as_path());
    exports.chain(int8.iter().map(|file| file.path.as_path()))
}

/// Removes `.` components, so that equal paths compare equal.
fn normalized(path: &Path) -> PathBuf {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .collect()
}

#[cfg(test)]
mod tests;
