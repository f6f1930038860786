//! Finds out which runs of a plan are finished and which exports are current.

use std::path::{Path, PathBuf};

use super::{Export, Layout, PlannedRun};
use crate::{
    export::Origin,
    recipe::Recipe,
    report::{ModelReport, TemperatureSource, keys},
    train::run::{
        checkpoint::{self, Checkpoint, CheckpointError},
        error::RunError,
        metadata::RunMetadata,
    },
};

/// Name of the recipe's file next to an exported model.
const RECIPE: &str = "recipe.toml";

/// What exists of a run of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunState {
    /// The run's folder.
    pub folder: FolderState,
    /// The run's exports in the sequence of the plan.
    pub exports: Vec<ExportState>,
}

/// The progress of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderState {
    /// The run has not started.
    Missing,
    /// The run can be resumed.
    Interrupted {
        /// Finished epochs.
        epochs: usize,
    },
    /// All epochs are done.
    Finished,
}

/// How a model file relates to its entry in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportState {
    /// There is no file.
    Missing,
    /// The file has the network, recipe, data and export options of the plan. If the run's folder exists, the file was
    /// exported from the run's checkpoint.
    Current,
    /// The file differs from the plan, for this reason.
    Differs(String),
}

/// A run's folder that does not belong to the plan.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The folder cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The checkpoint cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Another network, recipe or data set.
    #[error(
        "{folder} is not the run `{run}` of the plan: {difference}; restore the plan, or move the folder away to train again"
    )]
    Differs {
        /// The folder.
        folder: PathBuf,
        /// The run.
        run: String,
        /// What differs.
        difference: String,
    },
    /// A teacher was trained or exported again.
    #[error(
        "{folder} is finished, but its teacher {teacher} has changed since; restore that teacher, or move the folder away to train again"
    )]
    ChangedTeacher {
        /// The folder.
        folder: PathBuf,
        /// The teacher.
        teacher: PathBuf,
    },
}

/// Inspects the folder and the exports of a run. `data_sha256` is that of the training faces.
///
/// # Errors
/// When the folder cannot be read or contains another run than that of the plan.
pub fn inspect(
    run: &PlannedRun,
    layout: &Layout,
    data_sha256: &str,
) -> Result<RunState, StateError> {
    let folder = layout.run(&run.name);
    let state = folder_state(run, &folder, data_sha256)?;
    let checkpoint = match state {
        FolderState::Finished => Some(checkpoint::sha256(&folder)?),
        FolderState::Missing | FolderState::Interrupted { .. } => None,
    };
    let export = |export| export_state(run, export, layout, data_sha256, checkpoint.as_deref());
    Ok(RunState {
        folder: state,
        exports: run.exports.iter().map(export).collect(),
    })
}

fn folder_state(
    planned: &PlannedRun,
    folder: &Path,
    data_sha256: &str,
) -> Result<FolderState, StateError> {
    let (run, recipe) = match RunMetadata::open(folder) {
        Err(RunError::Missing(_)) => return Ok(FolderState::Missing),
        opened => opened?,
    };
    let difference = difference(planned, &run.architecture, &recipe);
    let difference = difference.or_else(|| other_data(&run.data_sha256, data_sha256));
    if let Some(difference) = difference {
        let (folder, run) = (folder.to_owned(), planned.name.clone());
        return Err(StateError::Differs {
            folder,
            run,
            difference,
        });
    }
    let epochs = Checkpoint::read(folder)?.map_or(0, |checkpoint| checkpoint.state.epoch);
    if epochs < recipe.epochs {
        return Ok(FolderState::Interrupted { epochs });
    }
    match run.teachers.iter().find(|teacher| teacher.has_changed()) {
        Some(teacher) => Err(StateError::ChangedTeacher {
            folder: folder.to_owned(),
            teacher: teacher.path.clone(),
        }),
        None => Ok(FolderState::Finished),
    }
}

fn export_state(
    run: &PlannedRun,
    export: &Export,
    layout: &Layout,
    data_sha256: &str,
    checkpoint_sha256: Option<&str>,
) -> ExportState {
    let path = layout.model(&export.path);
    if !path.exists() {
        return ExportState::Missing;
    }
    let origin = match Origin::read(&path) {
        Ok(origin) => origin,
        Err(error) => return ExportState::Differs(error.to_string()),
    };
    let recipe = match Recipe::read(&path.with_file_name(RECIPE)) {
        Ok(recipe) => recipe,
        Err(error) => return ExportState::Differs(error.to_string()),
    };
    let report = path.parent().and_then(ModelReport::read);
    let difference = difference(run, &origin.architecture, &recipe)
        .or_else(|| other_data(&origin.data_sha256, data_sha256))
        .or_else(|| other_options(export, report.as_ref()))
        .or_else(|| other_checkpoint(report.as_ref(), checkpoint_sha256))
        .or_else(|| other_file(report.as_ref(), &origin.sha256));
    difference.map_or(ExportState::Current, ExportState::Differs)
}

/// Describes the first difference between the network and recipe of a run and those of the plan.
fn difference(planned: &PlannedRun, architecture: &str, recipe: &Recipe) -> Option<String> {
    if architecture != planned.architecture {
        return Some(format!(
            "it has the network {architecture}, but the plan names {}",
            planned.architecture
        ));
    }
    let recipe = with_planned_paths(recipe.clone(), &planned.recipe);
    let differing = keys::differing(&[&recipe, &planned.recipe]);
    let (key, values) = differing.first_key_value()?;
    Some(format!(
        "recipe key `{key}` is {} there, but {} in the plan",
        values[0], values[1]
    ))
}

/// Replaces paths that differ from those of the plan in the root folder alone.
fn with_planned_paths(mut recipe: Recipe, planned: &Recipe) -> Recipe {
    let teachers = |recipe: &Recipe| {
        recipe
            .distill
            .iter()
            .flat_map(|distill| distill.teachers.clone())
            .collect::<Vec<_>>()
    };
    let expected: Vec<PathBuf> = teachers(planned)
        .into_iter()
        .chain(planned.init.clone())
        .collect();
    let paths = recipe
        .distill
        .iter_mut()
        .flat_map(|distill| &mut distill.teachers);
    for (path, expected) in paths.chain(&mut recipe.init).zip(expected) {
        if path.ends_with(super::normalized(&expected)) {
            *path = expected;
        }
    }
    recipe
}

fn other_data(there: &str, here: &str) -> Option<String> {
    (there != here).then(|| {
        format!("its training faces have the SHA-256 {there}, but those of --data have {here}")
    })
}

/// Compares the options of an export. Reports of the first version record none; their options were the default ones.
fn other_options(export: &Export, report: Option<&ModelReport>) -> Option<String> {
    let fresh = report.is_some_and(|report| report.precise_bn_faces.is_some());
    if fresh != export.precise_bn {
        return Some(format!(
            "`precise_bn` is {fresh} there, but {} in the plan",
            export.precise_bn
        ));
    }
    let views = report.map(|report| report.views).unwrap_or_default();
    if views != export.views {
        return Some(format!(
            "`views` is {views:?} there, but {:?} in the plan",
            export.views
        ));
    }
    let weights = report.map(|report| report.weights).unwrap_or_default();
    if weights != export.weights {
        let (there, here) = (weights.name(), export.weights.name());
        return Some(format!(
            "`weights` is {there} there, but {here} in the plan"
        ));
    }
    let from = report.and_then(|report| match &report.temperature.source {
        TemperatureSource::HoldoutOf(run) => Some(run.as_str()),
        TemperatureSource::Given => Some("--temperature"),
        TemperatureSource::Holdout | TemperatureSource::NotFitted => None,
    });
    let planned = export.temperature_from.as_deref();
    (from != planned)
        .then(|| format!("`temperature_from` is {from:?} there, but {planned:?} in the plan"))
}

fn other_checkpoint(report: Option<&ModelReport>, here: Option<&str>) -> Option<String> {
    let there = report?.training.checkpoint_sha256.as_deref()?;
    (there != here?).then(|| "it was exported from another checkpoint of the run".to_owned())
}

fn other_file(report: Option<&ModelReport>, here: &str) -> Option<String> {
    (report?.sha256 != here).then(|| "its report.json belongs to another file".to_owned())
}
