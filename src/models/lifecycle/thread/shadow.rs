//! Versions that are loaded for a shadow. Clients cannot use them.

use std::sync::Arc;

use super::{LifecycleThread, load_error};
use crate::models::{
    ModelVersion,
    lifecycle::{PromoteError, reconcile::Failure},
    live::LiveModel,
};

/// A version that classifies the images of a shadow.
pub struct ShadowCandidate {
    /// The version.
    pub model: Arc<LiveModel>,
    /// Whether the version also serves clients. Otherwise it is loaded for the shadow alone.
    pub is_serving: bool,
}

impl LifecycleThread {
    /// Returns a version that serves, or loads it without making it part of the snapshot. Therefore neither its policy nor a pin can
    /// make it serve.
    pub(in crate::models) fn load_for_shadow(
        &mut self,
        name: &str,
        version: ModelVersion,
    ) -> Result<ShadowCandidate, PromoteError> {
        if let Some(model) = self.versions.live(name, version) {
            return Ok(ShadowCandidate {
                model,
                is_serving: true,
            });
        }
        let unknown = || PromoteError::UnknownVersion {
            model: name.to_owned(),
            version,
        };
        let dir = self.version_dirs(name)?.remove(&version);
        let loaded = self
            .versions
            .load_detached(name, version, &dir.ok_or_else(unknown)?);
        let model = loaded.map_err(|error| match self.view(name) {
            Ok(view) => load_error(&view, Failure { version, error }),
            Err(error) => error,
        });
        Ok(ShadowCandidate {
            model: model?,
            is_serving: false,
        })
    }
}
