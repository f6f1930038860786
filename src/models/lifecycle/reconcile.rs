//! Brings one model in line with what is on disk, by the version policy.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::thread::LifecycleThread;
use crate::{
    inference::InferenceError,
    models::{
        live::{LiveModel, Phase, VersionState},
        load::has_same_content,
        policy::loading_order,
        repository::{Folders, Found},
    },
};

/// A version that could not be loaded.
pub(super) struct Failure {
    pub(super) version: u64,
    pub(super) error: InferenceError,
}

/// What came of one time of bringing a model in line.
#[derive(Default)]
struct Round {
    /// Whether what serves is opened anew.
    reload: bool,
    /// Whether any version was wanted.
    wanted: bool,
    serving: BTreeSet<u64>,
    failures: Vec<Failure>,
}

impl LifecycleThread {
    /// Loads the versions that are wanted, the pinned one first and then from the highest down, then retires those that
    /// are not. Each serves as soon as it is loaded. With `reload` those that serve are opened anew; without it only
    /// those whose files have changed. Where a version fails, what served before goes on.
    pub(super) fn reconcile(
        &mut self,
        name: &str,
        folders: &Folders,
        reload: bool,
    ) -> Vec<Failure> {
        let mut round = Round {
            reload,
            ..Round::default()
        };
        let pin = self.pin(name);
        self.load_wanted(name, folders, pin, &mut round);
        if let Some(pin) = pin.filter(|_| !self.closing()) {
            let is_newer = |version: &u64| *version > pin;
            if round.serving.iter().all(is_newer) && self.live(name, pin).is_some() {
                // It goes on though its files are gone: what is newer has not been let in.
                round.serving.insert(pin);
            } else if round.serving.is_empty() {
                tracing::warn!(
                    model = name,
                    version = pin,
                    "the pinned version cannot be served"
                );
                self.load_wanted(name, folders, None, &mut round);
            }
        }
        if self.closing() {
            return round.failures;
        }
        // All that is left on disk is broken: the last one that serves goes on, though its files are gone.
        if round.serving.is_empty() && round.wanted {
            round.serving.extend(self.highest_live(name));
        }
        self.retire(name, folders, &round.serving);
        self.settled.insert(name.to_owned(), folders.clone());
        round.failures
    }

    fn load_wanted(&mut self, name: &str, folders: &Folders, pin: Option<u64>, round: &mut Round) {
        for (version, found) in loading_order(folders, pin) {
            if !self.wants(name, version, &round.serving, pin) {
                continue;
            }
            round.wanted = true;
            // Below one that failed, what serves is not touched.
            let reload = round.reload && round.failures.is_empty();
            if reload || !self.is_up_to_date(name, version, found) {
                if self.closing() {
                    return;
                }
                if let Err(error) = self.load_version(name, version, found) {
                    round.failures.push(Failure { version, error });
                }
            }
            if self.live(name, version).is_some() {
                round.serving.insert(version);
            }
        }
    }

    /// Whether a version was loaded, or refused, with the files that are there now.
    pub(super) fn is_up_to_date(&mut self, name: &str, version: u64, found: &Found) -> bool {
        let snapshot = self.current.load();
        let state = snapshot
            .models
            .get(name)
            .and_then(|versions| versions.get(&version));
        let Some(state) = state else { return false };
        let key = (name.to_owned(), version);
        match state.phase() {
            Phase::Loading | Phase::Unloading | Phase::Unloaded => return false,
            Phase::Ready | Phase::Failed => {}
        }
        if self.tried.get(&key) == Some(&found.fingerprint) {
            return true;
        }
        let same = state
            .live()
            .is_some_and(|model| has_same_content(model, found) == Ok(true));
        if same {
            self.tried.insert(key, found.fingerprint.clone());
        }
        same
    }

    /// Loads a version and puts it into service, in place of what serves under its number.
    pub(super) fn load_version(
        &mut self,
        name: &str,
        version: u64,
        found: &Found,
    ) -> Result<(), InferenceError> {
        self.change(|next| {
            let states = next.models.entry(name.to_owned()).or_default();
            let state = states.entry(version).or_insert(VersionState::Loading);
            if state.live().is_none() {
                *state = VersionState::Loading;
            }
        });
        let load = || self.loader.load(name, version, found);
        let loaded = catch_unwind(AssertUnwindSafe(load))
            .unwrap_or_else(|_| Err(InferenceError::Runtime("loading it crashed".to_owned())));
        self.tried
            .insert((name.to_owned(), version), found.fingerprint.clone());
        let metrics = &self.loader.metrics;
        metrics.model_load(name, loaded.is_ok());
        match loaded {
            Ok(model) => {
                self.serve(Arc::new(model));
                Ok(())
            }
            Err(error) => {
                self.refuse(name, version, &error);
                Err(error)
            }
        }
    }

    fn serve(&self, model: Arc<LiveModel>) {
        let (name, version) = (model.name.clone(), model.version);
        let options = model.batcher.options();
        tracing::info!(
            model = name,
            version,
            architecture = model.architecture(),
            input = model.signature.layout().join("x"),
            instances = options.instances,
            intra_op_threads = options.intra_op_threads,
            max_batch = options.max_batch,
            accuracy = model.manifest.test_accuracy(),
            "model loaded"
        );
        let metrics = &self.loader.metrics;
        if let Some(old) = self.live(&name, version) {
            metrics.model_stops(&name, &version.to_string(), old.architecture(), &old.sha256);
        }
        metrics.model_serves(
            &name,
            &version.to_string(),
            model.architecture(),
            &model.sha256,
        );
        self.change(|next| {
            let ready = VersionState::Ready {
                model,
                problem: None,
            };
            next.models.entry(name).or_default().insert(version, ready);
        });
    }

    fn refuse(&self, name: &str, version: u64, error: &InferenceError) {
        let reason = error.to_string();
        let serves = self.live(name, version).is_some();
        let goes_on = if serves {
            "; what was loaded before goes on serving"
        } else {
            ""
        };
        tracing::error!(model = name, version, "model refused: {reason}{goes_on}");
        if !serves {
            self.loader
                .metrics
                .model_refused(name, &version.to_string());
        }
        self.change(|next| {
            let state = next
                .models
                .get_mut(name)
                .and_then(|states| states.get_mut(&version));
            match state {
                Some(VersionState::Ready { problem, .. }) => *problem = Some(reason),
                Some(state) => *state = VersionState::Failed(reason),
                None => {}
            }
        });
    }

    /// Takes every version but those of `serving` out of service, all at once, and forgets what is not on disk.
    fn retire(&mut self, name: &str, folders: &Folders, serving: &BTreeSet<u64>) {
        let mut next = self
            .current
            .load()
            .models
            .get(name)
            .cloned()
            .unwrap_or_default();
        let known: Vec<u64> = next
            .keys()
            .copied()
            .filter(|v| !serving.contains(v))
            .collect();
        for version in known {
            let state = next
                .get(&version)
                .map(|state| (state.live().cloned(), state.phase()));
            if let Some((Some(model), _)) = &state {
                self.note_retired(model);
                next.insert(version, VersionState::Retired(Arc::downgrade(model)));
            } else if let Some((None, Phase::Loading)) = state {
                next.insert(version, VersionState::Unloaded);
            }
            if !folders.contains_key(&version) {
                next.remove(&version);
                self.tried.remove(&(name.to_owned(), version));
                self.loader.metrics.model_gone(name, &version.to_string());
            }
        }
        for version in folders.keys() {
            next.entry(*version).or_insert(VersionState::Unloaded);
        }
        self.change(|snapshot| {
            if next.is_empty() {
                snapshot.models.remove(name);
            } else {
                snapshot.models.insert(name.to_owned(), next);
            }
        });
    }

    /// Takes all versions of a model out of service.
    pub(super) fn retire_all(&mut self, name: &str) {
        let folders = self.settled.get(name).cloned().unwrap_or_default();
        self.retire(name, &folders, &BTreeSet::new());
    }

    pub(super) fn note_retired(&self, model: &LiveModel) {
        let LiveModel { name, version, .. } = model;
        tracing::info!(model = name, version, "model unloaded");
        let version = version.to_string();
        self.loader
            .metrics
            .model_stops(name, &version, model.architecture(), &model.sha256);
    }

    pub(super) fn live(&self, name: &str, version: u64) -> Option<Arc<LiveModel>> {
        let snapshot = self.current.load();
        snapshot.models.get(name)?.get(&version)?.live().cloned()
    }

    fn highest_live(&self, name: &str) -> Option<u64> {
        let snapshot = self.current.load();
        let mut versions = snapshot.models.get(name)?.iter().rev();
        versions
            .find(|(_, state)| state.live().is_some())
            .map(|(version, _)| *version)
    }
}
