//! Loads and unloads models: one thread makes all changes, one at a time.
//!
//! A version continues to serve until its successor has been loaded and warmed up. Then the snapshot is replaced. Requests
//! hold an `Arc` to their version, whose queue closes when the last `Arc` is dropped.
//!
//! ```text
//! Lifecycle   handle: sends commands to the thread
//!   thread    runs commands, polls the models directory
//!     -> reconcile   selects the versions of a model to load and to keep
//!     -> versions    loads and retires versions and publishes their states
//! ```

mod error;
mod options;
mod ranking;
mod reconcile;
mod thread;
mod versions;

#[cfg(test)]
use std::collections::BTreeMap;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use mien_host::sync::lock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};

pub(crate) use self::ranking::rank_by_accuracy;
use self::thread::{Command, LifecycleThread, report_suspensions};
pub use self::{
    error::{LifecycleError, PersistPinError, PromoteError, RegistryError},
    options::LifecycleOptions,
    thread::{PersistPin, ShadowCandidate, StagedCandidate},
};
use super::{load::ModelLoader, repository::Repository, snapshot::SharedSnapshot};
use crate::tuning::Tunable;

/// Maximum number of commands that wait while another one runs.
const MAX_QUEUED: usize = 16;

/// Maximum time that the command of a client waits while another one runs. Loading a model can take minutes.
const MAX_WAIT: Duration = Duration::from_secs(5 * 60);

/// Receives whether the default model is loaded, or why no model can be served. The sender is dropped without a message if
/// the thread ends before that.
pub type StartupReceiver = oneshot::Receiver<Result<(), RegistryError>>;

/// Decides between the thread, which begins a command, and the client, which stops waiting for its begin.
#[derive(Default)]
struct Turn(AtomicBool);

impl Turn {
    /// Returns whether the caller is the first.
    fn take(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }
}

/// Handle to the lifecycle thread.
pub(super) struct Lifecycle {
    /// The directories of the models.
    pub(super) repository: Arc<Repository>,
    /// The only strong reference, so that the thread ends when this handle is dropped.
    commands: Arc<Sender<Command>>,
    /// One permit per command that may wait.
    queue: Arc<Semaphore>,
    /// Maximum time that the command of a client waits.
    max_wait: Duration,
    shutting_down: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Lifecycle {
    /// Lists the models directory and starts the thread.
    pub(super) fn start(
        options: LifecycleOptions,
        loader: ModelLoader,
    ) -> Result<(Arc<SharedSnapshot>, Self, StartupReceiver), RegistryError> {
        let repository = Arc::clone(&options.repository);
        let shutting_down = Arc::new(AtomicBool::new(false));
        let (commands, receiver) = channel();
        let commands = Arc::new(commands);
        let suspended = report_suspensions(&commands);
        let queue = Arc::new(Semaphore::new(MAX_QUEUED));
        let (thread, snapshot) = LifecycleThread::new(
            options,
            loader,
            Arc::clone(&shutting_down),
            Arc::clone(&queue),
            suspended,
        )?;
        let (started, startup) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("mien-models".to_owned())
            .spawn(move || thread.run(started, &receiver))
            .map_err(RegistryError::Thread)?;
        let lifecycle = Self {
            repository,
            commands,
            queue,
            max_wait: MAX_WAIT,
            shutting_down,
            thread: Mutex::new(Some(thread)),
        };
        Ok((snapshot, lifecycle, startup))
    }

    /// Returns a handle without a thread, which rejects all commands.
    #[cfg(test)]
    pub(super) fn stopped() -> Self {
        Self::without_thread().0
    }

    /// Returns a handle without a thread, and the commands that it sends.
    #[cfg(test)]
    fn without_thread() -> (Self, std::sync::mpsc::Receiver<Command>) {
        let (commands, receiver) = channel();
        let lifecycle = Self {
            repository: Arc::new(Repository::Models(BTreeMap::new())),
            commands: Arc::new(commands),
            queue: Arc::new(Semaphore::new(MAX_QUEUED)),
            max_wait: MAX_WAIT,
            shutting_down: Arc::default(),
            thread: Mutex::new(None),
        };
        (lifecycle, receiver)
    }

    /// Runs `work` on the thread and returns its result. It runs even if the future is dropped.
    ///
    /// # Errors
    /// Returns [`LifecycleError::Busy`] if too many commands wait or if `work` has not begun after five minutes, and
    /// [`LifecycleError::ShuttingDown`].
    pub(super) async fn try_execute<T, E>(
        &self,
        work: impl FnOnce(&mut LifecycleThread) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LifecycleError> + Send + 'static,
    {
        let slot = Arc::clone(&self.queue).try_acquire_owned();
        let slot = slot.map_err(|error| match error {
            TryAcquireError::NoPermits => LifecycleError::Busy,
            TryAcquireError::Closed => LifecycleError::ShuttingDown,
        })?;
        let turn = Arc::new(Turn::default());
        let begin = Arc::clone(&turn);
        let work = move |thread: &mut LifecycleThread| {
            if begin.take() {
                work(thread)
            } else {
                Err(LifecycleError::Busy.into())
            }
        };
        let mut result = std::pin::pin!(self.send(slot, work));
        match tokio::time::timeout(self.max_wait, &mut result).await {
            Ok(result) => result,
            // The thread did not begin, and it will not begin any more.
            Err(_) if turn.take() => Err(LifecycleError::Busy.into()),
            Err(_) => result.await,
        }
    }

    /// Like [`Self::try_execute`], but waits while too many commands wait, because a promotion that has begun must not be
    /// rejected.
    pub(super) async fn execute<T, E>(
        &self,
        work: impl FnOnce(&mut LifecycleThread) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LifecycleError> + Send + 'static,
    {
        let slot = Arc::clone(&self.queue).acquire_owned().await;
        let slot = slot.map_err(|_| LifecycleError::ShuttingDown)?;
        self.send(slot, work).await
    }

    async fn send<T, E>(
        &self,
        slot: OwnedSemaphorePermit,
        work: impl FnOnce(&mut LifecycleThread) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LifecycleError> + Send + 'static,
    {
        let stopped = || E::from(LifecycleError::ShuttingDown);
        let (reply, result) = oneshot::channel();
        // The client may have disconnected.
        let work = move |thread: &mut LifecycleThread| drop(reply.send(work(thread)));
        let work = Box::new(work);
        self.commands
            .send(Command::Execute { work, slot })
            .map_err(|_| stopped())?;
        result.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Also tunes a model that is not in the models directory, once the models are loaded.
    pub(super) fn tune(&self, model: Arc<dyn Tunable>) {
        // This fails if the thread has ended already.
        let _ = self.commands.send(Command::Tune(model));
    }

    /// Rejects further commands, drops those that wait and blocks until the thread has ended.
    pub(super) fn shut_down(&self) {
        self.shutting_down.store(true, Ordering::Relaxed);
        self.queue.close();
        // This fails if the thread has ended already.
        let _ = self.commands.send(Command::Stop);
        let thread = lock(&self.thread).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that loads models panicked");
        }
    }
}

#[cfg(test)]
mod tests;
