//! Many requests, few sessions: images wait in one bounded queue for each model, worker threads pull
//! them in batches as soon as they are idle.
//!
//! ```text
//! classify(faces) -> queue (bounded in images, all or nothing)
//!                      -> collect: the next batch, without expired and cancelled images
//!                           -> worker: one OS thread, one Classifier -> answers
//! ```
//!
//! At low load an image meets an idle worker and waits for nothing; under load batches form by
//! themselves while the workers are busy. Every image is one entry of the queue with its own reply
//! channel, so a large request is split over batches and workers, and its answers come back in order.
//!
//! The queue is a `Mutex` with a `Condvar`: admission must be all or nothing over a count of images,
//! entries are swept out of the middle, and a worker looks at the length before it takes its share.
//! No channel offers that. The critical sections only move entries; no inference, logging or
//! allocation of answers happens inside.

mod collect;
mod queue;
#[cfg(test)]
mod tests;
mod worker;

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use mien_faces::image::Face;
use tokio::{sync::oneshot, time::timeout_at};

use self::{
    queue::{Job, Queue, Refusal},
    worker::Worker,
};
use crate::{
    inference::{Classifier, InferenceError, Probabilities},
    metrics::{ModelMetrics, Outcome},
};

/// Makes a classifier: once for each worker, and again after a panic.
pub type Factory = Arc<dyn Fn() -> Result<Box<dyn Classifier>, InferenceError> + Send + Sync>;

/// How a model's images are queued and batched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchOptions {
    /// The most images that wait; more are refused.
    pub queue_images: usize,
    /// The most images of one run of the model, at least 1.
    pub max_batch: usize,
    /// How long a worker waits for a batch to fill up. Zero: not at all.
    pub max_delay: Duration,
    /// Worker threads, each with its own classifier, at least 1.
    pub instances: usize,
}

/// Why a request got no answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The images do not fit the queue.
    #[error("the server is overloaded; try again in {} s", retry_after.as_secs())]
    Overloaded {
        /// When the present queue will have been worked off, in whole seconds, at least 1.
        retry_after: Duration,
    },
    /// The deadline passed before the answers were there.
    #[error("the deadline passed before the model answered")]
    DeadlineExceeded,
    /// The model failed on one of the images.
    #[error("{0}")]
    Failed(String),
    /// The model is being taken out of service.
    #[error("the server is shutting down")]
    ShuttingDown,
}

/// The door to one model's queue and workers. Clones share them; the last one to go closes the queue.
#[derive(Clone)]
pub struct Batcher(Arc<Inner>);

struct Inner {
    queue: Arc<Queue>,
    metrics: ModelMetrics,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

impl Batcher {
    /// Makes the classifiers, all at once, and starts their threads.
    ///
    /// # Errors
    /// When the factory fails or a thread cannot be started.
    pub fn start(
        model: &str,
        factory: &Factory,
        options: BatchOptions,
        metrics: ModelMetrics,
    ) -> Result<Self, InferenceError> {
        let queue = Arc::new(Queue::new(options, metrics.clone()));
        let inner = Inner { queue, metrics, workers: Mutex::default() };
        let (ready, loaded) = std::sync::mpsc::channel();
        for index in 0..options.instances.max(1) {
            let (queue, metrics) = (Arc::clone(&inner.queue), inner.metrics.clone());
            let (factory, ready) = (Arc::clone(factory), ready.clone());
            let name = format!("{model}-{index}");
            let body = move || match factory() {
                Ok(classifier) => {
                    let worker = Worker::new(name, queue, factory, classifier, metrics);
                    let _ = ready.send(Ok(()));
                    drop(ready);
                    worker.run();
                }
                Err(error) => drop(ready.send(Err(error))),
            };
            let thread = std::thread::Builder::new().name("mien-worker".to_owned()).spawn(body);
            let thread = thread
                .map_err(|e| InferenceError::Runtime(format!("no worker thread started: {e}")))?;
            inner.workers.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        drop(ready);
        let batcher = Self(Arc::new(inner));
        let mut started = 0;
        for result in loaded {
            result?;
            started += 1;
        }
        if started < options.instances {
            return Err(InferenceError::Model("a worker panicked while loading the model".into()));
        }
        Ok(batcher)
    }

    /// The probabilities of each face, in order. Dropping the future cancels the images still queued.
    ///
    /// # Errors
    /// [`BatchError::Overloaded`] when the faces do not fit the queue as a whole, the other variants
    /// as they say.
    pub async fn classify(
        &self,
        faces: Vec<Face>,
        deadline: Option<Instant>,
    ) -> Result<Vec<Probabilities>, BatchError> {
        let enqueued = Instant::now();
        let count = faces.len();
        if deadline.is_some_and(|deadline| deadline <= enqueued) {
            self.0.metrics.images(Outcome::Expired, count);
            return Err(BatchError::DeadlineExceeded);
        }
        let (jobs, answers): (Vec<_>, Vec<_>) = faces
            .into_iter()
            .map(|face| {
                let (reply, answer) = oneshot::channel();
                (Job { face, deadline, enqueued, reply }, answer)
            })
            .unzip();
        self.0.queue.push(jobs).map_err(|refusal| {
            self.0.metrics.images(Outcome::Rejected, count);
            match refusal {
                Refusal::Full => BatchError::Overloaded { retry_after: self.retry_after() },
                Refusal::Closed => BatchError::ShuttingDown,
            }
        })?;
        let answers = collect_answers(answers);
        match deadline {
            None => answers.await,
            Some(deadline) => timeout_at(deadline.into(), answers)
                .await
                .unwrap_or(Err(BatchError::DeadlineExceeded)),
        }
    }

    /// Refuses at once when not a single image more would fit; for callers with costly work ahead
    /// of [`Self::classify`]. `count` images are then recorded as rejected.
    ///
    /// # Errors
    /// [`BatchError::Overloaded`], [`BatchError::ShuttingDown`].
    pub fn check_room(&self, count: usize) -> Result<(), BatchError> {
        let error = match self.0.queue.check_room() {
            Ok(()) => return Ok(()),
            Err(Refusal::Full) => BatchError::Overloaded { retry_after: self.retry_after() },
            Err(Refusal::Closed) => BatchError::ShuttingDown,
        };
        self.0.metrics.images(Outcome::Rejected, count);
        Err(error)
    }

    /// How the images are queued and batched.
    pub fn options(&self) -> BatchOptions {
        self.0.queue.options()
    }

    /// The most images that wait in the queue; a larger request never fits.
    pub fn capacity(&self) -> usize {
        self.options().queue_images
    }

    /// Takes no more images; the workers end when the queue is empty.
    pub fn close(&self) {
        self.0.queue.close();
    }

    /// Closes the queue and blocks until the workers have answered what was in it.
    pub fn join(&self) {
        self.close();
        let workers =
            std::mem::take(&mut *self.0.workers.lock().unwrap_or_else(PoisonError::into_inner));
        for worker in workers {
            if worker.join().is_err() {
                tracing::error!("a worker thread ended with a panic");
            }
        }
    }

    /// When the images that wait now will have been worked off: whole seconds, 1 to 60.
    fn retry_after(&self) -> Duration {
        let seconds = self.0.queue.backlog().as_secs_f64().ceil();
        Duration::from_secs_f64(seconds.clamp(1.0, 60.0))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

async fn collect_answers(
    answers: Vec<oneshot::Receiver<Result<Probabilities, BatchError>>>,
) -> Result<Vec<Probabilities>, BatchError> {
    let mut rows = Vec::with_capacity(answers.len());
    for answer in answers {
        let gone = |_| BatchError::Failed("the worker thread ended without an answer".to_owned());
        rows.push(answer.await.map_err(gone)??);
    }
    Ok(rows)
}
