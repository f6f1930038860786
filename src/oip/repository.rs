//! The repository index.

use serde::Serialize;
use utoipa::ToSchema;

use crate::models::{
    ModelVersion,
    live::{Phase, VersionState},
    registry::{ModelView, Registry},
};

/// A version of a model and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelIndex {
    /// Name of the model.
    #[schema(example = "resnet-20-v1")]
    pub name: String,
    /// Version.
    #[schema(value_type = String, example = "1")]
    pub version: ModelVersion,
    /// `READY`, `LOADING`, `UNLOADING` or `UNAVAILABLE`.
    #[schema(example = "READY")]
    pub state: &'static str,
    /// Why the version is not loaded, or why its changed files cannot be loaded.
    pub reason: String,
}

/// Lists all versions, or only the loaded ones if `ready`.
pub(super) fn index(registry: &Registry, ready: bool) -> Vec<ModelIndex> {
    let versions =
        registry
            .models()
            .into_iter()
            .flat_map(|ModelView { name, versions, .. }| {
                versions
                    .into_iter()
                    .map(move |(version, state)| ModelIndex {
                        name: name.clone(),
                        version,
                        state: state_name(&state),
                        reason: reason(&state),
                    })
            });
    versions
        .filter(|version| !ready || version.state == READY)
        .collect()
}

const READY: &str = "READY";

fn state_name(state: &VersionState) -> &'static str {
    match state.phase() {
        Phase::Ready => READY,
        Phase::Loading => "LOADING",
        Phase::Unloading => "UNLOADING",
        Phase::Failed | Phase::Unloaded => "UNAVAILABLE",
    }
}

fn reason(state: &VersionState) -> String {
    let unloaded = (state.phase() == Phase::Unloaded).then_some("unloaded");
    state.problem().or(unloaded).unwrap_or_default().to_owned()
}
