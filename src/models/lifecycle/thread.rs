//! The lifecycle thread: loads the models, then runs commands and polls the models directory.

mod candidates;
mod engines;
mod load_error;
mod pin;
mod poll;
mod reconciler;
mod shadow;
mod startup;
mod suspensions;
mod timer;
mod tuning;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

pub(super) use self::suspensions::report_suspensions;
pub use self::{candidates::StagedCandidate, pin::PersistPin, shadow::ShadowCandidate};
use self::{load_error::load_error, poll::Poller, timer::Timer};
use super::{
    LifecycleError, LifecycleOptions, RegistryError,
    reconcile::Selection,
    versions::{SuspensionHandler, VersionManager},
};
use crate::{
    models::{
        ModelVersion,
        live::LiveModel,
        load::ModelLoader,
        repository::{IgnoredPath, VersionDirs},
        snapshot::{ModelView, SharedSnapshot},
    },
    tuning::Tunable,
};

/// A message to the thread.
pub(super) enum Command {
    /// Runs `work`. The slot in the queue is free as soon as `work` begins.
    Execute {
        work: Box<dyn FnOnce(&mut LifecycleThread) + Send>,
        slot: OwnedSemaphorePermit,
    },
    /// Also tunes a model that is not in the models directory.
    Tune(Arc<dyn Tunable>),
    /// Takes a version out of service whose inferences exceed their time limit.
    Suspend {
        model: Weak<LiveModel>,
        reason: String,
    },
    /// Ends the thread.
    Stop,
}

/// The state that the thread owns.
pub(in crate::models) struct LifecycleThread {
    options: LifecycleOptions,
    versions: VersionManager,
    poller: Poller,
    /// The candidate of each model that is being promoted. It stays loaded although the policy may not select it.
    candidates: BTreeMap<String, ModelVersion>,
    /// Models that a client has unloaded. Changes on disk do not load them again.
    manually_unloaded: BTreeSet<String>,
    /// The directories of each model when it was last reconciled.
    reconciled: BTreeMap<String, VersionDirs>,
    /// Models that are tuned and are not in the models directory.
    tunables: Vec<Arc<dyn Tunable>>,
    shutting_down: Arc<AtomicBool>,
    /// Has one permit less for each command that waits.
    queue: Arc<Semaphore>,
}

impl LifecycleThread {
    /// Lists the models directory. Models are loaded by [`Self::run`].
    pub(super) fn new(
        options: LifecycleOptions,
        loader: ModelLoader,
        shutting_down: Arc<AtomicBool>,
        queue: Arc<Semaphore>,
        suspended: SuspensionHandler,
    ) -> Result<(Self, Arc<SharedSnapshot>), RegistryError> {
        let listing = startup::initial_listing(&options)?;
        let snapshot = startup::initial_snapshot(&options, &listing);
        let snapshot = Arc::new(SharedSnapshot::new(snapshot));
        let thread = Self {
            options,
            versions: VersionManager::new(loader, Arc::clone(&snapshot), suspended),
            poller: Poller::new(listing),
            candidates: BTreeMap::new(),
            manually_unloaded: BTreeSet::new(),
            reconciled: BTreeMap::new(),
            tunables: Vec::new(),
            shutting_down,
            queue,
        };
        Ok((thread, snapshot))
    }

    /// Loads the models, then runs commands until it is stopped.
    pub(super) fn run(
        mut self,
        started: oneshot::Sender<Result<(), RegistryError>>,
        commands: &Receiver<Command>,
    ) {
        if !self.load_all(started) {
            return;
        }
        self.select_requested_engines();
        let mut poll = Timer::new(self.options.repository_poll_interval);
        let mut tuning = Timer::new(self.versions.loader().tuner.sample_interval());
        while !self.is_shutting_down() {
            let wait = [&poll, &tuning]
                .into_iter()
                .filter_map(Timer::remaining)
                .min();
            let command = match wait {
                None => commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(wait) => commands.recv_timeout(wait),
            };
            match command {
                Ok(Command::Execute { work, slot }) if !self.is_shutting_down() => {
                    drop(slot);
                    work(&mut self);
                    self.select_requested_engines();
                }
                Ok(Command::Tune(model)) => self.add_tunable(model),
                Ok(Command::Suspend { model, reason }) => self.versions.suspend(&model, reason),
                Ok(Command::Execute { .. } | Command::Stop) => return,
                Err(RecvTimeoutError::Timeout) if poll.is_due() => {
                    self.poll();
                    self.select_requested_engines();
                    poll.restart();
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.tune_if_idle();
                    tuning.restart();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Loads the selected versions of a model from disk, including those that are loaded already.
    pub(in crate::models) fn load_model(
        &mut self,
        name: &str,
    ) -> Result<ModelView, LifecycleError> {
        let name = self.versions.snapshot().real_name(name).to_owned();
        let dirs = self.version_dirs(&name)?;
        self.manually_unloaded.remove(&name);
        let failures = self.reconcile(&name, &dirs, true);
        let view = self.view(&name)?;
        match failures.into_iter().next() {
            Some(failure) => Err(load_error(&view, failure)),
            None if view.versions.values().all(|state| state.live().is_none()) => {
                Err(LifecycleError::ExcludedByPolicy(name))
            }
            None => Ok(view),
        }
    }

    /// Unloads all versions of a model.
    pub(in crate::models) fn unload_model(
        &mut self,
        name: &str,
    ) -> Result<ModelView, LifecycleError> {
        let name = self.versions.snapshot().real_name(name).to_owned();
        self.view(&name)?;
        self.manually_unloaded.insert(name.clone());
        let dirs = self.reconciled.get(&name).cloned().unwrap_or_default();
        self.versions.retire(&name, &dirs, &BTreeSet::new());
        self.view(&name)
    }

    /// Logs paths that are ignored and were not ignored before, and publishes all.
    fn publish_ignored(&self, ignored: &[IgnoredPath]) {
        let published = Arc::clone(&self.versions.snapshot().ignored);
        if *published != *ignored {
            startup::log_ignored(ignored.iter().filter(|path| !published.contains(path)));
            self.versions.update(|next| next.ignored = ignored.into());
        }
    }

    /// Reads the directories of a model's versions.
    fn version_dirs(&self, name: &str) -> Result<VersionDirs, LifecycleError> {
        let unreadable = || LifecycleError::Failed("cannot read the models directory".to_owned());
        let mut listing = self.options.repository.list().map_err(|error| {
            tracing::error!(%error, "cannot read the models directory");
            unreadable()
        })?;
        if listing.unreadable.contains(name) {
            tracing::error!(model = name, "cannot read the directory of a model");
            return Err(unreadable());
        }
        self.publish_ignored(&listing.ignored);
        listing
            .models
            .remove(name)
            .ok_or_else(|| LifecycleError::UnknownModel(name.to_owned()))
    }

    /// Returns the rules that select versions of a model now.
    fn selection<'a>(&'a self, name: &'a str) -> Selection<'a> {
        Selection {
            policies: &self.options.policies,
            model: name,
            candidate: self.candidates.get(name).copied(),
            pin: self.pin(name),
        }
    }

    /// Returns a model by its real name.
    fn view(&self, name: &str) -> Result<ModelView, LifecycleError> {
        let view = self.versions.snapshot().model(name);
        view.ok_or_else(|| LifecycleError::UnknownModel(name.to_owned()))
    }

    /// Returns the version that a model is pinned to.
    fn pin(&self, name: &str) -> Option<ModelVersion> {
        self.versions.snapshot().pins.get(name).copied()
    }

    fn is_shutting_down(&self) -> bool {
        self.shutting_down.load(Ordering::Relaxed)
    }
}
