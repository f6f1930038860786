//! Trains and exports the runs of a plan.

mod derived;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    Export, Layout, Plan, PlannedRun,
    schedule::{Step, Training},
    state::{self, StateError},
    summary::{self, SummaryError},
};
use crate::{
    ensemble::EnsembleError,
    export::{self, ExportError, Options, TemperatureFrom},
    onnx::batch_norm_folding::BatchNormFolding,
    quantize::QuantizeError,
    train::{
        prepare::{NewRun, PrepareError, Prepared},
        trainer::{Control, Outcome},
    },
};

/// Settings of the execution of a plan.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data set.
    pub data: PathBuf,
    /// SHA-256 of the training split.
    pub data_sha256: String,
    /// Folders of runs and models.
    pub layout: Layout,
    /// Number of threads.
    pub threads: usize,
    /// Maximum time between two checkpoints.
    pub save_every: Duration,
    /// Set by Ctrl-C.
    pub interrupted: Arc<AtomicBool>,
}

/// A run of a plan failed.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// Training failed.
    #[error("run `{run}`: {reason}")]
    Train {
        /// The run.
        run: String,
        /// The cause.
        reason: Box<PrepareError>,
    },
    /// An export failed.
    #[error("run `{run}`: cannot export to {path}: {reason}")]
    Export {
        /// The run.
        run: String,
        /// The model file.
        path: PathBuf,
        /// The cause.
        reason: Box<ExportError>,
    },
    /// An export cannot be quantised.
    #[error("cannot quantise {model}: {reason}")]
    Quantize {
        /// The export.
        model: PathBuf,
        /// The cause.
        reason: Box<QuantizeError>,
    },
    /// An ensemble cannot be chosen.
    #[error("cannot write the ensemble {path}: {reason}")]
    Ensemble {
        /// The folder of the ensemble.
        path: PathBuf,
        /// The cause.
        reason: Box<EnsembleError>,
    },
    /// A run's folder cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The table of results cannot be written.
    #[error(transparent)]
    Summary(#[from] SummaryError),
}

/// Executes the steps of a plan, then writes its INT8 files and ensembles. The table of results is written after every run.
///
/// # Errors
/// Returns the error of the first run that fails. Later runs are not started.
pub fn execute(plan: &Plan, steps: &[Step], settings: &Settings) -> Result<Outcome, ExecuteError> {
    write_summary(plan, settings)?;
    for (index, step) in steps.iter().enumerate() {
        eprintln!("[{}/{}] {}", index + 1, steps.len(), describe(step));
        let outcome = execute_step(step, settings)?;
        if outcome == Outcome::Interrupted {
            write_summary(plan, settings)?;
            return Ok(outcome);
        }
        let changed = step.training.is_pending() || !step.exports.is_empty();
        if changed {
            write_summary(plan, settings)?;
        }
    }
    derived::write(plan, settings)
}

/// Writes the table of results of all runs.
fn write_summary(plan: &Plan, settings: &Settings) -> Result<(), ExecuteError> {
    let row = |run: &PlannedRun| {
        let state = state::inspect(run, &settings.layout, &settings.data_sha256)?;
        Ok::<_, StateError>(summary::rows(run, &state, &settings.layout))
    };
    let rows = plan.runs().iter().map(row).collect::<Result<Vec<_>, _>>()?;
    Ok(summary::write(&settings.layout.runs(), &rows.concat())?)
}

/// Describes a step in one line.
pub fn describe(step: &Step) -> String {
    let (name, epochs) = (&step.run.name, step.run.recipe.epochs);
    let training = match step.training {
        Training::Start => format!("train {epochs} epochs"),
        Training::Resume { epochs: done } => format!("resume after {done} of {epochs} epochs"),
        Training::Finished => "finished".to_owned(),
        Training::Exported => "exported; training is skipped".to_owned(),
        Training::NotNeeded => "not needed, because all runs that depend on it exist".to_owned(),
    };
    let exports = step
        .exports
        .iter()
        .map(|&index| &step.run.exports[index].path);
    let exports: String = exports
        .map(|path| format!("; export to {}", path.display()))
        .collect();
    format!("{name} ({}): {training}{exports}", step.run.architecture)
}

fn execute_step(step: &Step, settings: &Settings) -> Result<Outcome, ExecuteError> {
    if step.training.is_pending() && train(step, settings)? == Outcome::Interrupted {
        return Ok(Outcome::Interrupted);
    }
    for &index in &step.exports {
        // An export cannot be interrupted halfway.
        if settings.interrupted.load(Ordering::Relaxed) {
            return Ok(Outcome::Interrupted);
        }
        export(step.run, &step.run.exports[index], settings)?;
    }
    Ok(Outcome::Finished)
}

fn train(step: &Step, settings: &Settings) -> Result<Outcome, ExecuteError> {
    let run = step.run;
    let failed = |reason: PrepareError| ExecuteError::Train {
        run: run.name.clone(),
        reason: Box::new(reason),
    };
    let folder = settings.layout.run(&run.name);
    let prepared = if matches!(step.training, Training::Resume { .. }) {
        Prepared::resume(&folder, Some(&settings.data), settings.threads)
    } else {
        Prepared::start(&folder, new_run(run, settings), settings.threads)
    };
    let control = Control {
        folder,
        save_every: settings.save_every,
        max_steps: None,
        threads: settings.threads,
        interrupted: Arc::clone(&settings.interrupted),
    };
    prepared.map_err(failed)?.train(control).map_err(failed)
}

fn new_run(run: &PlannedRun, settings: &Settings) -> NewRun {
    NewRun {
        architecture: run.architecture.clone(),
        data: settings.data.clone(),
        recipe: settings.layout.recipe(run),
    }
}

fn export(run: &PlannedRun, export: &Export, settings: &Settings) -> Result<(), ExecuteError> {
    let out = settings.layout.model(&export.path);
    let folder = settings.layout.run(&run.name);
    let options = options(export, &settings.layout);
    let report = export::from_run(&folder, Some(&settings.data), &out, false, &options).map_err(
        |reason| ExecuteError::Export {
            run: run.name.clone(),
            path: out.clone(),
            reason: Box::new(reason),
        },
    )?;
    eprintln!(
        "wrote {}; libtorch and ONNX Runtime differ by at most {:.1e}",
        out.display(),
        report.parity
    );
    Ok(())
}

/// Returns the options of `mien-train export` for an export of the plan.
fn options(export: &Export, layout: &Layout) -> Options {
    let temperature = match &export.temperature_from {
        Some(run) => TemperatureFrom::Other(layout.run(run)),
        None => TemperatureFrom::Run,
    };
    Options {
        temperature,
        precise_bn: export.precise_bn,
        batch_norm_folding: BatchNormFolding::Fold,
        views: export.views,
        weights: export.weights,
    }
}
