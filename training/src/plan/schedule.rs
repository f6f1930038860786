//! Schedules the training and the exports that a plan still needs.

use std::path::PathBuf;

use super::{
    Plan, PlannedRun, Processor,
    layout::relative_run,
    state::{ExportState, FolderState, RunState},
};

/// The training of a run in a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Training {
    /// The run starts.
    Start,
    /// The run resumes.
    Resume {
        /// Finished epochs.
        epochs: usize,
    },
    /// The run is finished.
    Finished,
    /// All exports of the run are current and no other run needs its folder.
    Exported,
    /// The run has no exports, and all runs that depend on it are finished or exported.
    NotNeeded,
}

impl Training {
    /// Returns whether the run is trained now.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Start | Self::Resume { .. })
    }
}

/// One run of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Step<'a> {
    /// The run.
    pub run: &'a PlannedRun,
    /// Whether it is trained.
    pub training: Training,
    /// Indices of the exports that are written.
    pub exports: Vec<usize>,
}

/// A plan cannot be executed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScheduleError {
    /// The processor does not have a required feature.
    #[error(
        "{}; this processor cannot train them: {processor}. Use another machine, or train other runs of the plan with --only",
        .runs.join(", ")
    )]
    Requirement {
        /// The runs with their requirements.
        runs: Vec<String>,
        /// The processor and its features.
        processor: String,
    },
    /// A new run would overwrite a model file that differs from the plan.
    #[error(
        "run `{run}` would overwrite {path}, which does not match the plan: {difference}. Move the file away, \
         or train in another folder with --root"
    )]
    Overwrite {
        /// The run.
        run: String,
        /// The model file.
        path: PathBuf,
        /// The first difference from the plan.
        difference: String,
    },
}

/// Returns the schedule of a plan. `states` has one entry per run, in the order of the plan.
///
/// An unfinished run is trained in three cases: one of its exports is missing or differs, a run that is trained needs its
/// folder, or it has no exports and no other run depends on it.
///
/// # Errors
/// Returns an error if a run that is not in progress would overwrite a model file that differs from the plan.
pub fn schedule<'a>(plan: &'a Plan, states: &[RunState]) -> Result<Vec<Step<'a>>, ScheduleError> {
    let mut steps: Vec<Step<'a>> = Vec::new();
    // Dependents come first, because they decide whether a run is needed.
    for (run, state) in plan.runs().iter().zip(states).rev() {
        let training = training(run, state, &steps, plan);
        if training == Training::Start {
            check_overwrite(run, state)?;
        }
        let written = |index: &usize| match training {
            Training::Exported | Training::NotNeeded => false,
            Training::Start | Training::Resume { .. } | Training::Finished => {
                training.is_pending() || state.exports[*index] != ExportState::Current
            }
        };
        let exports = (0..run.exports.len()).filter(written).collect();
        steps.push(Step {
            run,
            training,
            exports,
        });
    }
    steps.reverse();
    Ok(steps)
}

fn training(run: &PlannedRun, state: &RunState, later: &[Step], plan: &Plan) -> Training {
    let pending = match state.folder {
        FolderState::Finished => return Training::Finished,
        FolderState::Missing => Training::Start,
        FolderState::Interrupted { epochs } => Training::Resume { epochs },
    };
    if later.iter().any(|step| needs_folder(step, run)) {
        return pending;
    }
    if !run.exports.is_empty() {
        let current = state
            .exports
            .iter()
            .all(|export| *export == ExportState::Current);
        return if current { Training::Exported } else { pending };
    }
    let depends = |other: &PlannedRun| other.dependencies().any(|name| name == run.name);
    if plan.runs().iter().any(depends) {
        Training::NotNeeded
    } else {
        pending
    }
}

/// Returns whether a step reads the folder of a run as teacher, for initial weights or for the temperature.
fn needs_folder(step: &Step, run: &PlannedRun) -> bool {
    let uses_holdout = |&index: &usize| {
        step.run.exports[index].temperature_from.as_deref() == Some(run.name.as_str())
    };
    if step.exports.iter().any(uses_holdout) {
        return true;
    }
    let teachers = step
        .run
        .recipe
        .distill
        .iter()
        .flat_map(|distill| &distill.teachers);
    let mut folders = teachers.chain(&step.run.recipe.init);
    let folder = relative_run(&run.name);
    step.training.is_pending() && folders.any(|path| super::normalized(path) == folder)
}

fn check_overwrite(run: &PlannedRun, state: &RunState) -> Result<(), ScheduleError> {
    for (export, state) in run.exports.iter().zip(&state.exports) {
        if let ExportState::Differs(difference) = state {
            return Err(ScheduleError::Overwrite {
                run: run.name.clone(),
                path: export.path.clone(),
                difference: difference.clone(),
            });
        }
    }
    Ok(())
}

/// Checks that the processor meets the requirements of all runs that are trained.
///
/// # Errors
/// Returns [`ScheduleError::Requirement`] with every run whose requirement is not met.
pub fn check_requirements(steps: &[Step], processor: &Processor) -> Result<(), ScheduleError> {
    let unmet = steps.iter().filter(|step| !is_met(step, processor));
    let runs: Vec<String> = unmet
        .map(|step| format!("run `{}` requires {}", step.run.name, step.run.requires))
        .collect();
    if runs.is_empty() {
        return Ok(());
    }
    Err(ScheduleError::Requirement {
        runs,
        processor: processor.to_string(),
    })
}

/// Returns whether a step is not trained or the processor can train it.
pub fn is_met(step: &Step, processor: &Processor) -> bool {
    !step.training.is_pending() || processor.meets(step.run.requires)
}
