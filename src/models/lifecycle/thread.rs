//! The thread itself: the start, then one order after the other, and the folder in between.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Instant,
};

use tokio::sync::oneshot;

use super::{ChangeError, LifecycleOptions, RegistryError, reconcile::Failure};
use crate::{
    inference::InferenceError,
    models::{
        load::ModelLoader,
        registry::{Current, ModelView, Snapshot},
        repository::{self, Fingerprint, Folders, Listing},
    },
};

/// An order to the thread.
pub(super) enum Command {
    Order(Box<dyn FnOnce(&mut LifecycleThread) + Send>),
    Stop,
}

/// What the thread owns. It alone writes `current`.
pub(in crate::models) struct LifecycleThread {
    pub(super) options: LifecycleOptions,
    pub(super) loader: ModelLoader,
    pub(super) current: Arc<Current>,
    pub(super) closing: Arc<AtomicBool>,
    /// Models that were unloaded by an order: what happens on disk does not bring them back.
    pub(super) held: BTreeSet<String>,
    /// Versions that are loaded besides what the policies want, each until it is decided whether it takes the traffic.
    pub(super) guests: BTreeMap<String, u64>,
    /// The state that each version was in when it was last loaded, whether that succeeded or not.
    pub(super) tried: BTreeMap<(String, u64), Fingerprint>,
    /// What was on disk when each model was last brought in line with it.
    pub(super) settled: BTreeMap<String, Folders>,
    /// What was on disk at the last look.
    pub(super) seen: Listing,
    /// What the last look complained of.
    pub(super) complaint: Option<String>,
}

impl LifecycleThread {
    /// Lists the models folder; nothing is loaded yet.
    pub(super) fn new(
        options: LifecycleOptions,
        loader: ModelLoader,
        closing: Arc<AtomicBool>,
    ) -> Result<(Self, Arc<Current>), RegistryError> {
        let seen = Self::first_listing(&options)?;
        let current = Arc::new(Current::from_pointee(Self::first_snapshot(&options, &seen)));
        let thread = Self {
            options,
            loader,
            current: Arc::clone(&current),
            closing,
            held: BTreeSet::new(),
            guests: BTreeMap::new(),
            tried: BTreeMap::new(),
            settled: BTreeMap::new(),
            seen,
            complaint: None,
        };
        Ok((thread, current))
    }

    /// Loads what is there, then does as it is told until it is stopped.
    pub(super) fn run(
        mut self,
        start: oneshot::Sender<Result<(), RegistryError>>,
        orders: &Receiver<Command>,
    ) {
        if !self.load_all(start) {
            return;
        }
        let mut last_look = Instant::now();
        while !self.closing() {
            let command = match self.options.repository_poll_interval {
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(interval) => orders.recv_timeout(interval.saturating_sub(last_look.elapsed())),
            };
            match command {
                Ok(Command::Order(order)) if !self.closing() => order(&mut self),
                Ok(Command::Order(_) | Command::Stop) => return,
                Err(RecvTimeoutError::Timeout) => {
                    self.look();
                    last_look = Instant::now();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    pub(in crate::models) fn load_model(&mut self, name: &str) -> Result<ModelView, ChangeError> {
        let name = self.current.load().real_name(name).to_owned();
        let folders = self.folders(&name)?;
        self.held.remove(&name);
        let failures = self.reconcile(&name, &folders, true);
        let view = self.view(&name)?;
        match failures.into_iter().next() {
            Some(failure) => Err(failed(&view, failure)),
            None if view.versions.values().all(|state| state.live().is_none()) => {
                Err(ChangeError::NotWanted(name))
            }
            None => Ok(view),
        }
    }

    pub(in crate::models) fn unload_model(&mut self, name: &str) -> Result<ModelView, ChangeError> {
        let name = self.current.load().real_name(name).to_owned();
        self.view(&name)?;
        self.held.insert(name.clone());
        self.retire_all(&name);
        self.view(&name)
    }

    /// What is on disk of a model now.
    pub(super) fn folders(&self, name: &str) -> Result<Folders, ChangeError> {
        let unreadable = |reason: &str| {
            tracing::error!("the models folder cannot be read: {reason}");
            ChangeError::Failed("the models folder cannot be read".to_owned())
        };
        let mut listing =
            repository::list(&self.options.root).map_err(|error| unreadable(&error.to_string()))?;
        if listing.unreadable.contains(name) {
            return Err(unreadable(name));
        }
        listing
            .models
            .remove(name)
            .ok_or_else(|| ChangeError::UnknownModel(name.to_owned()))
    }

    /// A model by its real name.
    pub(super) fn view(&self, name: &str) -> Result<ModelView, ChangeError> {
        let view = self.current.load().model(name);
        view.ok_or_else(|| ChangeError::UnknownModel(name.to_owned()))
    }

    /// Whether the server is on its way down.
    pub(super) fn closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Swaps the registry's snapshot for a changed one.
    pub(super) fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        let mut next = Snapshot::clone(&self.current.load());
        change(&mut next);
        self.current.store(Arc::new(next));
    }
}

/// The error that a version was not loaded with.
pub(super) fn failed(model: &ModelView, Failure { version, error }: Failure) -> ChangeError {
    let reason = error.to_string();
    match error {
        InferenceError::Runtime(_) => ChangeError::Failed(reason),
        InferenceError::Model(_) | InferenceError::Run(_) | InferenceError::Output(_) => {
            let serving = model
                .versions
                .iter()
                .filter(|(_, state)| state.live().is_some());
            let serving = serving.map(|(version, _)| *version).collect();
            ChangeError::Unfit {
                model: model.name.clone(),
                version,
                reason,
                serving,
            }
        }
    }
}
