//! Startup: loads the default model first, then the others.

use std::{collections::BTreeMap, fs, sync::Arc};

use tokio::sync::oneshot;

use super::LifecycleThread;
use crate::models::{
    lifecycle::{
        LifecycleOptions, RegistryError,
        ranking::{Ranked, rank_by_accuracy, select_default},
    },
    live::{VersionState, Versions},
    name::ModelName,
    repository::{IgnoredPath, Listing, Repository, VersionDir},
    snapshot::Snapshot,
};

/// Lists the models directory and checks that the options are compatible with it.
pub(super) fn initial_listing(options: &LifecycleOptions) -> Result<Listing, RegistryError> {
    let repository = &options.repository;
    let listing = repository
        .list()
        .map_err(|source| RegistryError::Directory {
            repository: Arc::clone(repository),
            source,
        })?;
    check_listed(repository, &listing)?;
    for directory in &listing.unreadable {
        tracing::warn!(directory, "cannot read the directory of a model");
    }
    if listing.models.is_empty() {
        return Err(RegistryError::Empty {
            repository: Arc::clone(repository),
            ignored: listing.ignored,
        });
    }
    log_ignored(&listing.ignored);
    if let Some(alias) = options
        .aliases
        .keys()
        .find(|&alias| listing.models.contains_key(alias))
    {
        return Err(RegistryError::AliasShadows(alias.clone()));
    }
    for (alias, target) in &options.aliases {
        if !listing.models.contains_key(&target.name) {
            tracing::warn!(alias, %target, "the alias refers to an unknown model");
        }
    }
    Ok(listing)
}

/// Checks that each model that a flag names has a version.
fn check_listed(repository: &Repository, listing: &Listing) -> Result<(), RegistryError> {
    let Repository::Models(models) = repository else {
        return Ok(());
    };
    let missing = models
        .iter()
        .find(|(name, _)| !listing.models.contains_key(*name));
    match missing {
        None => Ok(()),
        Some((name, path)) => Err(RegistryError::NoVersion {
            name: name.clone(),
            path: path.clone(),
            source: fs::read_dir(path).err(),
            ignored: listing.ignored.clone(),
        }),
    }
}

/// Logs files and directories that look like models and are not loaded.
pub(super) fn log_ignored<'a>(ignored: impl IntoIterator<Item = &'a IgnoredPath>) {
    for IgnoredPath { path, expected } in ignored {
        tracing::warn!(
            path,
            expected,
            "a path in the models directory is ignored because of its name or place"
        );
    }
}

/// Returns all versions on disk; those that the policies select have the state `Loading`.
pub(super) fn initial_snapshot(options: &LifecycleOptions, listing: &Listing) -> Snapshot {
    let mut models = BTreeMap::new();
    for (name, dirs) in &listing.models {
        let unloaded = dirs
            .keys()
            .map(|version| (*version, VersionState::Unloaded));
        let mut versions: Versions = unloaded.collect();
        let selected = options
            .policies
            .selected(name, dirs, options.pins.get(name).copied());
        let loading = selected
            .iter()
            .map(|(version, _)| (*version, VersionState::Loading));
        versions.extend(loading);
        models.insert(name.clone(), versions);
    }
    Snapshot {
        models,
        default: options.default.clone(),
        aliases: Arc::new(options.aliases.clone()),
        pins: options.pins.clone(),
        ignored: listing.ignored.as_slice().into(),
    }
}

impl LifecycleThread {
    /// Loads all models. Sends to `started` when the default model is loaded, or why no model can be served. Returns whether
    /// the thread should go on.
    pub(super) fn load_all(&mut self, started: oneshot::Sender<Result<(), RegistryError>>) -> bool {
        let listing = self.poller.last_listing().clone();
        for model in listing.models.keys() {
            self.versions.loader().metrics.init_model(model);
        }
        let mut pending = self.loading_order(&listing);
        let mut started = Some(started);
        while !pending.is_empty() {
            let name = pending.remove(0).name;
            self.reconcile(&name, &listing.models[&name], false);
            if self.is_shutting_down() {
                return false;
            }
            if started.is_none() {
                continue;
            }
            match self.default_serves(&pending) {
                Ok(true) => {
                    self.versions
                        .loader()
                        .runtime
                        .load_priority()
                        .start_serving();
                    drop(started.take().map(|started| started.send(Ok(()))));
                }
                Ok(false) => {}
                Err(error) => {
                    drop(started.take().map(|started| started.send(Err(error))));
                    return false;
                }
            }
        }
        true
    }

    /// Returns the models in the order in which they are loaded: the default model, then by recorded accuracy.
    fn loading_order(&self, listing: &Listing) -> Vec<Ranked> {
        let snapshot = self.versions.snapshot();
        let loader = self.versions.loader();
        // The accuracy matters only for the selection of a default. Verifying every model would delay the first one.
        let is_ranked = self.options.default.is_none() || loader.verifier.is_none();
        let files = |dir: &VersionDir| is_ranked.then(|| loader.files(dir).ok()).flatten();
        let mut models = rank_by_accuracy(listing, &self.options.policies, &snapshot.pins, files);
        if let Some(default) = &self.options.default {
            let default = snapshot.real_name(&default.name);
            models.sort_by_key(|model| model.name != default);
        }
        models
    }

    /// Returns whether the default model serves, and selects it first if that is possible and no flag sets it.
    ///
    /// # Errors
    /// Returns an error if the default model cannot be served, or if no model can be served and none is pending.
    fn default_serves(&self, pending: &[Ranked]) -> Result<bool, RegistryError> {
        if self.options.default.is_none() {
            match select_default(&self.versions.snapshot(), pending) {
                Some(name) => self.versions.update(|next| {
                    next.default = Some(ModelName {
                        name,
                        version: None,
                    });
                }),
                None if pending.is_empty() => return Err(self.none_loads()),
                None => return Ok(false),
            }
        }
        let default = self.versions.snapshot().resolve(None, None);
        let model = default.map_err(|error| RegistryError::Default(error.to_string()))?;
        tracing::info!(
            model = model.name,
            version = model.version.get(),
            "default model loaded"
        );
        Ok(true)
    }

    fn none_loads(&self) -> RegistryError {
        let snapshot = self.versions.snapshot();
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
            reasons.push("--version-policy selects no version".to_owned());
        }
        RegistryError::NoneLoads {
            repository: Arc::clone(&self.options.repository),
            reasons,
        }
    }
}
