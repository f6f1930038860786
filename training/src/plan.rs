//! Plans: lists of runs with their recipes, teachers and exports, for `mien-train run-all`.
//!
//! ```text
//! plan.toml -> file -> checks (order, sources) -> Plan -> state (what exists) -> schedule (what to do) -> execute -> summary
//! ```
//!
//! A plan is checked completely before its first run starts.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use crate::{
    recipe::{Recipe, RecipeError},
    train::prepare,
};

mod error;
pub mod execute;
mod file;
mod layout;
mod order;
mod requirement;
pub mod schedule;
mod sources;
pub mod state;
pub mod summary;

pub use error::PlanError;
pub use file::Export;
use file::{Entry, PlanFile};
pub use layout::Layout;
pub use requirement::{Processor, Requirement};

/// A valid plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Every run after the runs that it depends on.
    runs: Vec<PlannedRun>,
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
    /// Runs whose answers this one learns.
    pub teachers: Vec<String>,
    /// Run with whose weights this one starts.
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
    /// The first mistake of the file or of a recipe.
    pub fn read(path: &Path) -> Result<Self, PlanError> {
        let entries = sorted(PlanFile::read(path)?.run)?;
        check_exports(&entries)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let run = |entry: &Entry| {
            let recipe = recipe(entry, folder)?;
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
        })
    }

    /// Returns the runs, each after those that it depends on.
    pub fn runs(&self) -> &[PlannedRun] {
        &self.runs
    }

    /// Returns the plan of one run and all runs that it depends on.
    ///
    /// # Errors
    /// When the plan does not list the run.
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
        // From the last run to the first, so that dependents come before what they depend on.
        let mut wanted = BTreeSet::from([name]);
        for run in self.runs.iter().rev() {
            if wanted.contains(run.name.as_str()) {
                wanted.extend(run.dependencies());
            }
        }
        let runs = self
            .runs
            .iter()
            .filter(|run| wanted.contains(run.name.as_str()))
            .cloned();
        Ok(Self {
            runs: runs.collect(),
        })
    }
}

impl PlannedRun {
    /// Returns the names of the runs that must be finished before this one.
    pub fn dependencies(&self) -> impl Iterator<Item = &str> {
        let partners = self
            .exports
            .iter()
            .filter_map(|export| export.temperature_from.as_deref());
        let init = self.init.as_deref();
        self.teachers
            .iter()
            .map(String::as_str)
            .chain(init)
            .chain(partners)
    }
}

/// Checks the names and returns the entries in topological order.
fn sorted(entries: Vec<Entry>) -> Result<Vec<Entry>, PlanError> {
    let mut indices = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        if !is_folder_name(&entry.name) {
            return Err(PlanError::Name(entry.name.clone()));
        }
        if indices.insert(entry.name.as_str(), index).is_some() {
            return Err(PlanError::DuplicateName(entry.name.clone()));
        }
    }
    let needs = |entry: &Entry| {
        let index = |(key, name): (&'static str, &str)| {
            indices
                .get(name)
                .copied()
                .ok_or_else(|| PlanError::UnknownRun {
                    run: entry.name.clone(),
                    key,
                    name: name.to_owned(),
                    known: indices.keys().copied().collect::<Vec<_>>().join(", "),
                })
        };
        entry
            .dependencies()
            .map(index)
            .collect::<Result<Vec<_>, _>>()
    };
    let needs = entries.iter().map(needs).collect::<Result<Vec<_>, _>>()?;
    let name = |index: usize| entries[index].name.clone();
    let sorted = order::sort(&needs)
        .map_err(|cycle| PlanError::Cycle(cycle.into_iter().map(name).collect()))?;
    let mut entries: Vec<Option<Entry>> = entries.into_iter().map(Some).collect();
    Ok(sorted
        .into_iter()
        .filter_map(|index| entries[index].take())
        .collect())
}

/// Returns whether a name is one path component that is not hidden.
fn is_folder_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Checks that every export is written to a folder of its own below the root.
fn check_exports(entries: &[Entry]) -> Result<(), PlanError> {
    let mut folders = BTreeMap::new();
    for entry in entries {
        for Export { path, .. } in &entry.exports {
            let inside = path
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            let folder = path.parent().filter(|folder| *folder != Path::new(""));
            let (Some(folder), true, Some("onnx")) = (
                folder,
                inside,
                path.extension().and_then(|extension| extension.to_str()),
            ) else {
                let (run, path) = (entry.name.clone(), path.clone());
                return Err(PlanError::ExportPath { run, path });
            };
            if let Some(first) = folders.insert(folder, &entry.name) {
                let (first, second) = (first.clone(), entry.name.clone());
                let folder = folder.to_owned();
                return Err(PlanError::DuplicateExport {
                    folder,
                    first,
                    second,
                });
            }
        }
    }
    Ok(())
}

/// Reads a run's recipe and applies its overrides.
fn recipe(entry: &Entry, folder: &Path) -> Result<Recipe, PlanError> {
    let of_run = |reason: RecipeError| PlanError::Recipe {
        run: entry.name.clone(),
        reason,
    };
    let recipe = Recipe::read(&folder.join(&entry.recipe)).map_err(of_run)?;
    if entry.overrides.is_empty() {
        return Ok(recipe);
    }
    let invalid = |detail: String| PlanError::Overrides {
        run: entry.name.clone(),
        detail,
    };
    let mut table = toml::Table::try_from(&recipe).map_err(|e| invalid(e.to_string()))?;
    merge(&mut table, &entry.overrides);
    let recipe: Recipe = table
        .try_into()
        .map_err(|e: toml::de::Error| invalid(e.to_string()))?;
    recipe.checked().map_err(of_run)
}

/// Replaces keys of a table, also those of nested tables.
fn merge(table: &mut toml::Table, overrides: &toml::Table) {
    for (key, value) in overrides {
        match (table.get_mut(key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(overrides)) => {
                merge(inner, overrides);
            }
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Removes `.` components, so that equal paths compare equal.
fn normalized(path: &Path) -> PathBuf {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .collect()
}

#[cfg(test)]
mod tests;
