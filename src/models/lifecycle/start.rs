//! The start: the default model first, then the others.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    LifecycleOptions, RegistryError,
    ranking::{Ranked, by_recorded_accuracy, default_among},
    thread::LifecycleThread,
};
use crate::models::{
    live::{VersionState, Versions},
    name::ModelName,
    registry::Snapshot,
    repository::{self, Listing},
};

impl LifecycleThread {
    /// What is there, where it does not contradict the options.
    pub(super) fn first_listing(options: &LifecycleOptions) -> Result<Listing, RegistryError> {
        let folder = || options.root.clone();
        let listing = repository::list(&options.root).map_err(|source| RegistryError::Folder {
            folder: folder(),
            source,
        })?;
        for folder in &listing.unreadable {
            tracing::warn!(
                folder,
                "a folder among the models cannot be read; it is passed over"
            );
        }
        if listing.models.is_empty() {
            return Err(RegistryError::Empty(folder()));
        }
        if let Some(alias) = options
            .aliases
            .keys()
            .find(|&a| listing.models.contains_key(a))
        {
            return Err(RegistryError::AliasShadows(alias.clone()));
        }
        for (alias, target) in &options.aliases {
            if !listing.models.contains_key(&target.name) {
                let target = target.to_string();
                tracing::warn!(alias, target, "the alias of a model that is not there");
            }
        }
        Ok(listing)
    }

    /// Everything that is there, and what will be loaded of it.
    pub(super) fn first_snapshot(options: &LifecycleOptions, listing: &Listing) -> Snapshot {
        let mut models = std::collections::BTreeMap::new();
        for (name, folders) in &listing.models {
            let unloaded = folders
                .keys()
                .map(|version| (*version, VersionState::Unloaded));
            let mut versions: Versions = unloaded.collect();
            let wanted = options
                .policies
                .wanted(name, folders, options.pins.get(name).copied());
            let loading = wanted
                .iter()
                .map(|(version, _)| (*version, VersionState::Loading));
            versions.extend(loading);
            models.insert(name.clone(), versions);
        }
        let (aliases, pins) = (Arc::new(options.aliases.clone()), options.pins.clone());
        Snapshot {
            models,
            default: options.default.clone(),
            aliases,
            pins,
        }
    }

    /// Loads every model; tells `start` as soon as the default one serves, or why there is none. `false` where there
    /// is nothing to go on with.
    pub(super) fn load_all(&mut self, start: oneshot::Sender<Result<(), RegistryError>>) -> bool {
        let listing = self.seen.clone();
        for model in listing.models.keys() {
            self.loader.metrics.init_model(model);
        }
        let (policies, pins) = (&self.options.policies, &self.current.load().pins);
        let mut untried = by_recorded_accuracy(&listing, policies, pins);
        if let Some(default) = &self.options.default {
            let default = self.current.load().real_name(&default.name).to_owned();
            untried.sort_by_key(|model| model.name != default);
        }
        self.measure_all(&listing, &untried);
        let mut start = Some(start);
        while !untried.is_empty() {
            let name = untried.remove(0).name;
            self.reconcile(&name, &listing.models[&name], false);
            if self.closing() {
                return false;
            }
            if start.is_none() {
                continue;
            }
            match self.default_serves(&untried) {
                Ok(true) => drop(start.take().map(|start| start.send(Ok(())))),
                Ok(false) => {}
                Err(error) => {
                    drop(start.take().map(|start| start.send(Err(error))));
                    return false;
                }
            }
        }
        true
    }

    /// Has what will be loaded measured, where it is not known how it is best served: now, for nothing serves yet.
    fn measure_all(&self, listing: &Listing, models: &[Ranked]) {
        let models = if self.loader.tuner.measures() {
            models
        } else {
            &[]
        };
        for name in models.iter().map(|model| &model.name) {
            let (folders, pin) = (&listing.models[name], self.pin(name));
            for (_, found) in self.options.policies.wanted(name, folders, pin) {
                if self.closing() {
                    return;
                }
                self.loader.measure(name, found);
            }
        }
        let (current, closing) = (Arc::clone(&self.current), Arc::clone(&self.closing));
        self.loader.tuner.start_serving(move || {
            if closing.load(Ordering::Relaxed) {
                return Duration::ZERO;
            }
            let snapshot = current.load();
            let idle = snapshot.live().map(|model| model.batcher.idle());
            idle.min().unwrap_or(Duration::MAX)
        });
    }

    /// Chooses the default as soon as that can be done.
    ///
    /// # Errors
    /// When it does not serve, or nothing does and there is nothing left to try.
    fn default_serves(&self, untried: &[Ranked]) -> Result<bool, RegistryError> {
        if self.options.default.is_none() {
            let best = default_among(&self.current.load(), untried);
            match best {
                Some(name) => self.change(|next| {
                    next.default = Some(ModelName {
                        name,
                        version: None,
                    });
                }),
                None if untried.is_empty() => return Err(self.none_loads()),
                None => return Ok(false),
            }
        }
        let default = self.current.load().resolve(None, None);
        let model = default.map_err(|error| RegistryError::Default(error.to_string()))?;
        tracing::info!(model = model.name, version = model.version, "default model");
        Ok(true)
    }

    fn none_loads(&self) -> RegistryError {
        let snapshot = self.current.load();
        let versions = snapshot.models.iter().flat_map(|(name, versions)| {
            versions
                .iter()
                .map(move |(version, state)| (name, version, state))
        });
        let reasons = versions.filter_map(|(name, version, state)| {
            state
                .problem()
                .map(|reason| format!("{name}@{version}: {reason}"))
        });
        let mut reasons: Vec<String> = reasons.collect();
        if reasons.is_empty() {
            reasons.push("--version-policy selects none of their versions".to_owned());
        }
        RegistryError::NoneLoads {
            folder: self.options.root.clone(),
            reasons,
        }
    }
}
