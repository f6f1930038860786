//! Finds out which runs of a plan are finished and which exports are current.

use std::path::{Path, PathBuf};

use super::{Export, Layout, PlannedRun};
use crate::{
    export::Origin,
    recipe::{self, Recipe},
    report::ModelReport,
    train::run::{
        checkpoint::{self, Checkpoint, CheckpointError},
        error::RunError,
        metadata::RunMetadata,
    },
};

mod difference;

/// The existing files of a planned run.
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
    /// The file does not exist.
    Missing,
    /// The file has the network, recipe, data and export options of the plan. If the run's folder exists, the file was
    /// exported from the run's checkpoint.
    Current,
    /// The file differs from the plan, for this reason.
    Differs(String),
}

/// The folder of a planned run cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The folder cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The checkpoint cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The folder contains a run with another network, recipe or data set.
    #[error(
        "{folder} is not the run `{run}` of the plan: {difference}; restore the plan, or move the folder away to train again"
    )]
    Differs {
        /// The folder.
        folder: PathBuf,
        /// The run.
        run: String,
        /// The first difference.
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

/// Inspects the folder and the exports of a run. `data_sha256` is the fingerprint of the training faces.
///
/// # Errors
/// Returns an error if the folder cannot be read or contains a run that differs from the plan.
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
    let difference = difference::of_run(planned, &run.architecture, &recipe);
    let difference = difference.or_else(|| difference::of_data(&run.data_sha256, data_sha256));
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
    let recipe = match Recipe::read(&path.with_file_name(recipe::FILE_NAME)) {
        Ok(recipe) => recipe,
        Err(error) => return ExportState::Differs(error.to_string()),
    };
    let report = path.parent().and_then(ModelReport::read);
    let difference = difference::of_run(run, &origin.architecture, &recipe)
        .or_else(|| difference::of_data(&origin.data_sha256, data_sha256))
        .or_else(|| difference::of_options(export, report.as_ref()))
        .or_else(|| difference::of_checkpoint(report.as_ref(), checkpoint_sha256))
        .or_else(|| difference::of_file(report.as_ref(), &origin.sha256));
    difference.map_or(ExportState::Current, ExportState::Differs)
}
