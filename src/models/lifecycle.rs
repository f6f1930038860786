//! Which models are in memory: one thread loads and unloads them, one change at a time.
//!
//! What serves goes on serving until its successor has been opened and tried; then the registry's snapshot is
//! swapped. Requests that hold the old version are answered by it: its queue closes when the last of them is gone.

mod candidate;
mod options;
mod pin;
mod poll;
mod ranking;
mod reconcile;
mod start;
mod thread;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::oneshot;

pub(crate) use self::ranking::by_recorded_accuracy;
use self::thread::{Command, LifecycleThread};
pub use self::{
    candidate::{PromoteError, StagedCandidate},
    options::{ChangeError, LifecycleOptions, RegistryError},
    pin::PersistPin,
};
use super::{load::ModelLoader, registry::Current};

/// How many changes may wait for their turn.
const WAITING: usize = 16;
/// How often who must not be turned away looks for a place in that line.
const RETRY: Duration = Duration::from_millis(50);

/// Tells when the default model serves, or why the server has nothing to serve. It is dropped without a word when
/// the thread ends before that.
pub type Started = oneshot::Receiver<Result<(), RegistryError>>;

/// The door to the thread.
pub(super) struct Lifecycle {
    /// The models folder.
    pub(super) root: PathBuf,
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
        let (root, closing) = (options.root.clone(), Arc::new(AtomicBool::new(false)));
        let (thread, current) = LifecycleThread::new(options, loader, Arc::clone(&closing))?;
        let (commands, orders) = sync_channel(WAITING);
        let (start, started) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("mien-models".to_owned())
            .spawn(move || thread.run(start, &orders))
            .map_err(RegistryError::Thread)?;
        let thread = Mutex::new(Some(thread));
        Ok((
            current,
            Self {
                root,
                commands,
                closing,
                thread,
            },
            started,
        ))
    }

    /// A door that leads nowhere.
    #[cfg(test)]
    pub(super) fn stopped() -> Self {
        let (commands, _) = sync_channel(0);
        let (root, closing) = (PathBuf::new(), Arc::new(AtomicBool::new(true)));
        Self {
            root,
            commands,
            closing,
            thread: Mutex::new(None),
        }
    }

    /// Has the thread do something, in its turn; it is done though the future is dropped.
    pub(super) async fn order<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut LifecycleThread) -> Result<T, ChangeError> + Send + 'static,
    ) -> Result<T, ChangeError> {
        let (command, done) = command(work);
        self.commands
            .try_send(command)
            .map_err(|error| match error {
                TrySendError::Full(_) => ChangeError::Busy,
                TrySendError::Disconnected(_) => ChangeError::ShuttingDown,
            })?;
        done.await.unwrap_or(Err(ChangeError::ShuttingDown))
    }

    /// The same for a step of what has begun: where too many changes wait it waits, too.
    pub(super) async fn step<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut LifecycleThread) -> Result<T, PromoteError> + Send + 'static,
    ) -> Result<T, PromoteError> {
        let (mut command, done) = command(work);
        loop {
            match self.commands.try_send(command) {
                Ok(()) => break,
                Err(TrySendError::Full(back)) => command = back,
                Err(TrySendError::Disconnected(_)) => return Err(ChangeError::ShuttingDown.into()),
            }
            tokio::time::sleep(RETRY).await;
        }
        done.await.unwrap_or(Err(ChangeError::ShuttingDown.into()))
    }

    /// Takes no more orders, forgets those that wait and blocks until the thread has ended.
    pub(super) fn shut_down(&self) {
        self.closing.store(true, Ordering::Relaxed);
        // A full channel holds something to wake up for already.
        let _ = self.commands.try_send(Command::Stop);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that loads models ended with a panic");
        }
    }
}

/// An order, and where its result comes. Whoever gave it may have hung up; it is done all the same.
fn command<T: Send + 'static>(
    work: impl FnOnce(&mut LifecycleThread) -> T + Send + 'static,
) -> (Command, oneshot::Receiver<T>) {
    let (reply, done) = oneshot::channel();
    let order = move |thread: &mut LifecycleThread| drop(reply.send(work(thread)));
    (Command::Order(Box::new(order)), done)
}
