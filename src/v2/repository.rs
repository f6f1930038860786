//! What became of every version that the server knows.

use serde::Serialize;
use utoipa::ToSchema;

use crate::models::registry::{Registry, VersionState};

/// A version of a model, and whether it serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelIndex {
    /// The model's name.
    #[schema(example = "resnet-20-v1")]
    pub name: String,
    /// The version.
    #[schema(example = "1")]
    pub version: String,
    /// `READY` or `UNAVAILABLE`.
    #[schema(example = "READY")]
    pub state: &'static str,
    /// Why it does not serve; empty where it does.
    pub reason: String,
}

/// Every version that the server knows; only those that serve where `ready`.
pub(super) fn index(registry: &Registry, ready: bool) -> Vec<ModelIndex> {
    let models = registry.models();
    let versions = models.into_iter().flat_map(|(name, versions)| {
        versions.into_iter().map(move |(version, state)| {
            let (state, reason) = match state {
                VersionState::Ready(_) => ("READY", String::new()),
                VersionState::Refused(reason) => ("UNAVAILABLE", reason),
            };
            ModelIndex { name: name.clone(), version: version.to_string(), state, reason }
        })
    });
    versions.filter(|version| !ready || version.state == "READY").collect()
}
