//! Threads that read and decode images at background priority, one per core. They start with the first evaluation and are
//! shared by all evaluations.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, LazyLock, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use mien_host::sync::lock;
use tokio::sync::oneshot;

use super::error::RunError;
use crate::thread_priority::lower_to_background_priority;

type Task = Box<dyn FnOnce() + Send>;

static QUEUE: LazyLock<Sender<Task>> = LazyLock::new(start);

/// Runs `task` on a thread of the pool. A task that has not started is skipped if the future is dropped.
///
/// # Errors
/// Returns an error if `task` panics.
pub(super) async fn run<T: Send + 'static>(
    task: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RunError> {
    let (sender, receiver) = oneshot::channel();
    let queued = Box::new(move || {
        if !sender.is_closed() {
            let _ = sender.send(task());
        }
    });
    // The threads never end, so the queue has a receiver.
    QUEUE.send(queued).map_err(|_| RunError::Crashed)?;
    receiver.await.map_err(|_| RunError::Crashed)
}

fn start() -> Sender<Task> {
    let (sender, receiver) = mpsc::channel();
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..mien_host::cpu::available_cores() {
        let receiver = Arc::clone(&receiver);
        thread::spawn(move || run_tasks(&receiver));
    }
    sender
}

fn run_tasks(receiver: &Mutex<Receiver<Task>>) {
    lower_to_background_priority();
    let next = || {
        let receiver = lock(receiver);
        receiver.recv()
    };
    while let Ok(task) = next() {
        // A panic drops the sender of the result, which the evaluation reports. The thread continues.
        let _ = catch_unwind(AssertUnwindSafe(task));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn panic_is_error_and_pool_continues() {
        for _ in 0..2 * mien_host::cpu::available_cores() {
            let crashed = run(|| -> u32 { panic!("boom") }).await;
            assert_eq!(crashed, Err(RunError::Crashed));
        }
        assert_eq!(run(|| 1 + 1).await, Ok(2));
    }
}
