//! The models and their states at one moment. Requests read a snapshot without a lock; each change replaces it.

mod resolve;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::watch;

pub use self::resolve::ResolveError;
use super::{
    ModelVersion,
    live::{LiveModel, VersionState, Versions},
    name::{Alias, ModelName},
    repository::IgnoredPath,
};

/// The current snapshot. The registry reads it and the lifecycle thread replaces it.
#[derive(Default)]
pub(super) struct SharedSnapshot {
    current: ArcSwap<Snapshot>,
    /// Notifies when the snapshot is replaced.
    changes: watch::Sender<()>,
}

impl SharedSnapshot {
    pub(super) fn new(snapshot: Snapshot) -> Self {
        Self {
            current: ArcSwap::from_pointee(snapshot),
            changes: watch::Sender::new(()),
        }
    }

    /// Returns the current snapshot for a short time.
    pub(super) fn load(&self) -> Guard<Arc<Snapshot>> {
        self.current.load()
    }

    pub(super) fn load_full(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    pub(super) fn store(&self, snapshot: Arc<Snapshot>) {
        self.current.store(snapshot);
        self.changes.send_replace(());
    }

    /// Returns a receiver that is notified when the snapshot is replaced.
    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }
}

/// A model with its versions and aliases.
#[derive(Clone)]
pub struct ModelView {
    /// Name.
    pub name: String,
    /// Whether the model serves requests without a name.
    pub default: bool,
    /// Aliases.
    pub aliases: Vec<Alias>,
    /// All versions in memory or on disk.
    pub versions: Versions,
    /// The version that serves requests without a version.
    pub serving: Option<ModelVersion>,
    /// The version that the model is pinned to.
    pub pinned: Option<ModelVersion>,
}

/// The models and their states at one moment.
#[derive(Clone, Default)]
pub(super) struct Snapshot {
    pub(super) models: BTreeMap<String, Versions>,
    /// `None` until the server has selected the default model.
    pub(super) default: Option<ModelName>,
    pub(super) aliases: Arc<BTreeMap<String, ModelName>>,
    /// The versions that models are pinned to.
    pub(super) pins: BTreeMap<String, ModelVersion>,
    /// Files and directories that look like models and are not loaded.
    pub(super) ignored: Arc<[IgnoredPath]>,
}

impl Snapshot {
    /// Returns the version of a model that serves requests without a version: the highest live version up to the pin,
    /// otherwise the highest live version.
    pub(super) fn serving(&self, model: &str) -> Option<&Arc<LiveModel>> {
        let versions = self.models.get(model)?;
        let pin = self.pins.get(model).copied().unwrap_or(ModelVersion::MAX);
        let mut up_to_pin = versions.range(..=pin).rev();
        let highest = || versions.values().rev().find_map(VersionState::live);
        up_to_pin
            .find_map(|(_, state)| state.live())
            .or_else(highest)
    }

    /// Returns the name of the model that an alias refers to; other names are returned unchanged.
    pub(super) fn real_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.aliases.get(name).map_or(name, |target| &target.name)
    }

    /// Returns a model by its name or alias.
    pub(super) fn model(&self, name: &str) -> Option<ModelView> {
        let (name, versions) = self.models.get_key_value(self.real_name(name))?;
        Some(self.view(name, versions))
    }

    /// Returns all models by name.
    pub(super) fn models(&self) -> Vec<ModelView> {
        self.models
            .iter()
            .map(|(name, versions)| self.view(name, versions))
            .collect()
    }

    fn view(&self, name: &str, versions: &Versions) -> ModelView {
        let default = self
            .default
            .as_ref()
            .map(|default| self.real_name(&default.name));
        let of_model = self
            .aliases
            .iter()
            .filter(|(_, target)| target.name == name);
        let alias = |(alias, target): (&String, &ModelName)| Alias {
            alias: alias.clone(),
            target: target.clone(),
        };
        ModelView {
            name: name.to_owned(),
            default: default == Some(name),
            aliases: of_model.map(alias).collect(),
            versions: versions.clone(),
            serving: self.serving(name).map(|model| model.version),
            pinned: self.pins.get(name).copied(),
        }
    }

    /// Returns the highest live version of a model.
    pub(super) fn highest_live(&self, model: &str) -> Option<ModelVersion> {
        let mut versions = self.models.get(model)?.iter().rev();
        versions
            .find(|(_, state)| state.live().is_some())
            .map(|(version, _)| *version)
    }

    /// Returns all live versions.
    pub(super) fn live(&self) -> impl Iterator<Item = &Arc<LiveModel>> {
        self.models
            .values()
            .flat_map(BTreeMap::values)
            .filter_map(VersionState::live)
    }
}
