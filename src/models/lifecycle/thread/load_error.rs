//! Errors of loads for clients.

use crate::{
    inference::InferenceError,
    models::{
        lifecycle::{LifecycleError, reconcile::Failure},
        snapshot::ModelView,
    },
};

/// Returns the error for clients of a version that was not loaded.
pub(super) fn load_error(model: &ModelView, Failure { version, error }: Failure) -> LifecycleError {
    let reason = error.to_string();
    match error {
        InferenceError::Runtime(_) => LifecycleError::Failed(reason),
        InferenceError::Model(_)
        | InferenceError::Run(_)
        | InferenceError::Timeout(_)
        | InferenceError::Output(_) => {
            let serving = model
                .versions
                .iter()
                .filter(|(_, state)| state.live().is_some());
            LifecycleError::InvalidModel {
                model: model.name.clone(),
                version,
                reason,
                serving: serving.map(|(version, _)| *version).collect(),
            }
        }
    }
}
