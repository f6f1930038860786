//! Which models are in memory: one thread loads and unloads them, one change at a time.
//!
//! What serves goes on serving until its successor has been opened and tried; then the registry's snapshot is
//! swapped. Requests that hold the old version are answered by it: its queue closes when the last of them is gone.

mod options;
mod poll;
mod ranking;
mod reconcile;
mod start;
mod thread;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use tokio::sync::oneshot;

pub use self::options::{ChangeError, LifecycleOptions, RegistryError};
pub(crate) use self::ranking::by_recorded_accuracy;
use self::thread::{Command, LifecycleThread, Verb};
use super::{
    load::ModelLoader,
    registry::{Current, ModelView},
};

/// How many changes may wait for their turn.
const WAITING: usize = 16;

/// Tells when the default model serves, or why the server has nothing to serve. It is dropped without a word when
/// the thread ends before that.
pub type Started = oneshot::Receiver<Result<(), RegistryError>>;

/// The door to the thread.
pub(super) struct Lifecycle {
    commands: SyncSender<Command>,
    closing: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Lifecycle {
    /// Lists the models folder and starts the thread.
    pub(super) fn start(
        options: LifecycleOptions,
        loader: ModelLoader,
    ) -> Result<(Arc<Current>, Self, Started), RegistryError> {
        let closing = Arc::new(AtomicBool::new(false));
        let (thread, current) = LifecycleThread::new(options, loader, Arc::clone(&closing))?;
        let (commands, orders) = sync_channel(WAITING);
        let (start, started) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("mien-models".to_owned())
            .spawn(move || thread.run(start, &orders))
            .map_err(RegistryError::Thread)?;
        let thread = Mutex::new(Some(thread));
        Ok((current, Self { commands, closing, thread }, started))
    }

    /// A door that leads nowhere.
    #[cfg(test)]
    pub(super) fn stopped() -> Self {
        let (commands, _) = sync_channel(0);
        Self { commands, closing: Arc::new(AtomicBool::new(true)), thread: Mutex::new(None) }
    }

    pub(super) async fn load(&self, name: &str) -> Result<ModelView, ChangeError> {
        self.order(Verb::Load, name).await
    }

    pub(super) async fn unload(&self, name: &str) -> Result<ModelView, ChangeError> {
        self.order(Verb::Unload, name).await
    }

    async fn order(&self, verb: Verb, name: &str) -> Result<ModelView, ChangeError> {
        let (reply, done) = oneshot::channel();
        let command = Command::Change { verb, name: name.to_owned(), reply };
        self.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => ChangeError::Busy,
            TrySendError::Disconnected(_) => ChangeError::ShuttingDown,
        })?;
        done.await.unwrap_or(Err(ChangeError::ShuttingDown))
    }

    /// Takes no more orders, forgets those that wait and blocks until the thread has ended.
    pub(super) fn shut_down(&self) {
        self.closing.store(true, Ordering::Relaxed);
        // A full channel holds something to wake up for already.
        let _ = self.commands.try_send(Command::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that loads models ended with a panic");
        }
    }
}
