//! Polls the models directory. A change takes effect when two consecutive polls agree, so that files that are still being
//! written or replaced are not loaded.

use std::collections::{BTreeMap, BTreeSet};

use super::LifecycleThread;
use crate::models::{
    lifecycle::ranking::select_default,
    name::ModelName,
    repository::{Listing, VersionDirs},
};

/// The results of the last poll.
pub(super) struct Poller {
    last_listing: Listing,
    /// The problem that was logged last.
    reported_problem: Option<String>,
}

impl Poller {
    pub(super) fn new(listing: Listing) -> Self {
        Self {
            last_listing: listing,
            reported_problem: None,
        }
    }

    pub(super) fn last_listing(&self) -> &Listing {
        &self.last_listing
    }

    /// Logs a problem of the models directory, once.
    fn report(&mut self, problem: Option<String>) {
        if problem == self.reported_problem {
            return;
        }
        match &problem {
            Some(problem) => {
                tracing::warn!(
                    problem,
                    "invalid models directory; the loaded models continue to serve"
                );
            }
            None => tracing::info!("the models directory is valid again"),
        }
        self.reported_problem = problem;
    }
}

impl LifecycleThread {
    /// Loads the models that have changed on disk, without waiting for a second poll after an interval.
    pub(in crate::models) fn load_changed(&mut self) {
        self.poll();
        self.poll();
    }

    /// Lists the models directory and reconciles the models that have changed.
    pub(super) fn poll(&mut self) {
        let listing = match self.listing() {
            Ok(listing) => listing,
            Err(problem) => return self.poller.report(Some(problem)),
        };
        let last = std::mem::replace(&mut self.poller.last_listing, listing.clone());
        if last.ignored == listing.ignored {
            self.publish_ignored(&listing.ignored);
        }
        for name in changed_models(&last, &listing, &self.reconciled) {
            if self.manually_unloaded.contains(&name) {
                continue;
            }
            if self.is_shutting_down() {
                return;
            }
            tracing::info!(model = name, "the model has changed on disk");
            let dirs = listing.models.get(&name).cloned().unwrap_or_default();
            self.versions.loader().metrics.init_model(&name);
            self.reconcile(&name, &dirs, false);
            if dirs.is_empty() {
                self.reconciled.remove(&name);
            }
        }
        self.replace_default();
    }

    /// Selects another default model if the server selected the previous one and its directory was removed. A default model
    /// that a flag sets or that a client has unloaded is not replaced.
    fn replace_default(&self) {
        let snapshot = self.versions.snapshot();
        let is_gone = snapshot
            .default
            .as_ref()
            .is_some_and(|default| !snapshot.models.contains_key(&default.name));
        if self.options.default.is_some() || !is_gone {
            return;
        }
        if let Some(name) = select_default(&snapshot, &[]) {
            tracing::info!(model = name, "replaced the removed default model");
            self.versions.update(|next| {
                next.default = Some(ModelName {
                    name,
                    version: None,
                })
            });
        }
    }

    /// Lists the models directory without models that have the name of an alias.
    ///
    /// # Errors
    /// Returns the reason if the directory cannot be read or is empty, which may mean that its disk is not mounted.
    fn listing(&mut self) -> Result<Listing, String> {
        let mut listing = self
            .options
            .repository
            .list()
            .map_err(|error| error.to_string())?;
        if listing.models.is_empty() {
            return Err("it contains no model".to_owned());
        }
        let aliases = &self.options.aliases;
        let shadowed = aliases
            .keys()
            .find(|alias| listing.models.contains_key(*alias));
        let unreadable = listing.unreadable.first();
        let problem = shadowed
            .map(|alias| format!("`{alias}` is an alias, not a model"))
            .or_else(|| {
                unreadable.map(|name| {
                    format!("the directory of `{name}` is unreadable or does not contain a model")
                })
            });
        listing.models.retain(|name, _| !aliases.contains_key(name));
        self.poller.report(problem);
        Ok(listing)
    }
}

/// Returns the models whose directories have changed since they were reconciled, but not between the last two polls.
fn changed_models(
    last: &Listing,
    current: &Listing,
    reconciled: &BTreeMap<String, VersionDirs>,
) -> Vec<String> {
    let known: BTreeSet<&String> = reconciled.keys().chain(current.models.keys()).collect();
    let has_changed = |name: &&String| {
        let dirs = current.models.get(*name);
        let is_stable = last.models.get(*name) == dirs
            && !last.unreadable.contains(*name)
            && !current.unreadable.contains(*name);
        is_stable && reconciled.get(*name) != dirs
    };
    known.into_iter().filter(has_changed).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use super::*;
    use crate::models::{
        ModelVersion,
        repository::{Fingerprint, Repository, VersionDir},
    };

    fn dirs(versions: &[u64]) -> VersionDirs {
        let dir = |version: &u64| {
            let dir = VersionDir {
                repository: Arc::new(Repository::Directory("/models".into())),
                path: Path::new("/models/m").join(version.to_string()),
                fingerprint: Fingerprint::default(),
            };
            (ModelVersion::of(*version), dir)
        };
        versions.iter().map(dir).collect()
    }

    fn listing(models: &[(&str, &[u64])], unreadable: &[&str]) -> Listing {
        let models = models
            .iter()
            .map(|(name, versions)| ((*name).to_owned(), dirs(versions)));
        Listing {
            models: models.collect(),
            unreadable: unreadable.iter().map(|name| (*name).to_owned()).collect(),
            ignored: Vec::new(),
        }
    }

    #[test]
    fn changes_are_reported_after_two_equal_polls() {
        let reconciled = listing(&[("a", &[1]), ("b", &[1])], &[]).models;
        let before = listing(&[("a", &[1]), ("b", &[1])], &[]);
        let after = listing(&[("a", &[1, 2]), ("c", &[1])], &[]);
        assert!(changed_models(&before, &after, &reconciled).is_empty());
        assert_eq!(
            changed_models(&after, &after, &reconciled),
            ["a", "b", "c"],
            "a has a new version, b was removed, c is new"
        );
        assert!(changed_models(&after, &after, &after.models).is_empty());
    }

    #[test]
    fn unreadable_models_are_not_changed() {
        let reconciled = listing(&[("a", &[1])], &[]).models;
        let unreadable = listing(&[], &["a"]);
        assert!(changed_models(&unreadable, &unreadable, &reconciled).is_empty());
        let gone = listing(&[], &[]);
        assert!(changed_models(&unreadable, &gone, &reconciled).is_empty());
        assert_eq!(changed_models(&gone, &gone, &reconciled), ["a"]);
    }
}
