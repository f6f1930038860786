//! Writes the files that a plan derives from its exports.

use std::sync::atomic::Ordering;

use super::{ExecuteError, Plan, Settings};
use crate::train::trainer::Outcome;

/// Writes the INT8 files and the ensembles that are missing or were made of other files.
pub(super) fn write(plan: &Plan, settings: &Settings) -> Result<Outcome, ExecuteError> {
    let Settings { layout, data, .. } = settings;
    let is_interrupted = || settings.interrupted.load(Ordering::Relaxed);
    for file in plan.int8() {
        if file.is_current(layout) {
            continue;
        }
        if is_interrupted() {
            return Ok(Outcome::Interrupted);
        }
        file.write(layout, data)
            .map_err(|reason| ExecuteError::Quantize {
                model: file.model.clone(),
                reason: Box::new(reason),
            })?;
    }
    for ensemble in plan.ensembles() {
        if ensemble.is_current(layout) {
            continue;
        }
        if is_interrupted() {
            return Ok(Outcome::Interrupted);
        }
        ensemble
            .write(layout, data)
            .map_err(|reason| ExecuteError::Ensemble {
                path: ensemble.path.clone(),
                reason: Box::new(reason),
            })?;
    }
    Ok(Outcome::Finished)
}
