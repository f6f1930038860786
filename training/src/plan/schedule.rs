//! Decides what remains to be done of a plan.

use std::path::PathBuf;

use super::{
    Plan, PlannedRun, Processor,
    layout::relative_run,
    state::{ExportState, FolderState, RunState},
};

/// What happens to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Training {
    /// It starts.
    Start,
    /// It continues after so many finished epochs.
    Resume {
        /// Finished epochs.
        epochs: usize,
    },
    /// It is finished.
    Finished,
    /// All of its exports are current and no other run needs its folder.
    Exported,
    /// It has no exports, and all runs that depend on it are finished or exported.
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

/// A plan that cannot be carried out as it is.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScheduleError {
    /// The processor lacks what runs require.
    #[error(
        "{}; this processor cannot train them: {processor}. Use another machine, or train other runs of the plan with --only",
        .runs.join(", ")
    )]
    Requirement {
        /// The runs with their requirements.
        runs: Vec<String>,
        /// The processor and what it has.
        processor: String,
    },
    /// A new run would overwrite a model file that was made otherwise.
    #[error(
        "run `{run}` would overwrite {path}, which the plan did not make: {difference}. Move the file away, \
         or train in another folder with --root"
    )]
    Overwrite {
        /// The run.
        run: String,
        /// The model file.
        path: PathBuf,
        /// How it differs from the plan.
        difference: String,
    },
}

/// Decides what remains to be done. `states` belong to the runs of the plan in their sequence.
///
/// A run is trained if it is not finished and an export is missing or differs, a run that is trained needs its folder, or
/// it has no exports and no other run depends on it.
///
/// # Errors
/// When a run that is not in progress would overwrite a model file that differs from the plan.
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

/// Returns whether a step reads the folder of a run: as a teacher, for its first weights or for its temperature.
fn needs_folder(step: &Step, run: &PlannedRun) -> bool {
    let partner = |&index: &usize| {
        step.run.exports[index].temperature_from.as_deref() == Some(run.name.as_str())
    };
    if step.exports.iter().any(partner) {
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
/// [`ScheduleError::Requirement`] with every run whose requirement is not met.
pub fn check_requirements(steps: &[Step], processor: &Processor) -> Result<(), ScheduleError> {
    let refused = steps.iter().filter(|step| !is_met(step, processor));
    let runs: Vec<String> = refused
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
