//! Options of the lifecycle.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::models::{
    ModelVersion, name::ModelName, policy::VersionPolicies, repository::Repository,
};

/// Which models are loaded, and under which names.
#[derive(Debug, Clone)]
pub struct LifecycleOptions {
    /// The directories of the models.
    pub repository: Arc<Repository>,
    /// Version policies.
    pub policies: VersionPolicies,
    /// The model for requests without a name; by default the one with the best recorded accuracy.
    pub default: Option<ModelName>,
    /// Aliases of models.
    pub aliases: BTreeMap<String, ModelName>,
    /// The versions that models are pinned to.
    pub pins: BTreeMap<String, ModelVersion>,
    /// Interval between two polls of the models directory. `None` disables polling.
    pub repository_poll_interval: Option<Duration>,
}
