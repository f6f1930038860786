//! Many requests, few sessions: images wait in one bounded queue for each model, worker threads pull
//! them in batches as soon as they are idle.
//!
//! ```text
//! classify(inputs) -> queue (bounded in images, all or nothing)
//!                       -> cores: permits, one budget for all models
//!                       -> collect: the next batch, without expired and cancelled images
//!                            -> worker: one OS thread, one Classifier -> answers
//! ```
//!
//! At low load an image meets an idle worker and waits for nothing; under load batches form by
//! themselves while the workers are busy. Every image is one entry of the queue with its own reply
//! channel, so a large request is split over batches and workers, and its answers come back in order.
//! Images of the background (evaluations) wait in a line of their own that is served when the live one is empty.
//!
//! The queue is a `Mutex` with a `Condvar` for each worker: admission must be all or nothing over a count of images,
//! entries are swept out of the middle, and a worker looks at the length before it takes its share.
//! No channel offers that. The critical sections only move entries; no inference, logging or
//! allocation of answers happens inside.

mod answers;
mod background;
mod collect;
mod cores;
mod error;
mod job;
mod leaving;
mod queue;
#[cfg(test)]
mod tests;
mod worker;

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, time::timeout_at};

pub use self::{answers::Answers, cores::Cores, error::BatchError, leaving::Leaving};
use self::{
    job::{Job, Reply},
    queue::{Queue, Refusal},
    worker::Worker,
};
use crate::{
    aside,
    inference::{Classifier, InferenceError, Input},
    metrics::{ModelMetrics, Outcome},
};

/// Makes a classifier: once for each worker, and again after a panic.
pub type Factory = Arc<dyn Fn() -> Result<Box<dyn Classifier>, InferenceError> + Send + Sync>;

/// How a model's images are queued and batched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchOptions {
    /// The most live images that wait, and as many of the background; more are refused.
    pub max_queue_size: usize,
    /// The most images of one run of the model, at least 1.
    pub max_batch: usize,
    /// How long an image waits, from its arrival, for its batch to fill up. Zero: not at all.
    pub max_queue_delay: Duration,
    /// Worker threads, each with its own classifier, at least 1.
    pub instances: usize,
    /// Cores that one run uses, at least 1.
    pub intra_op_threads: usize,
}

/// Whose images go first, here and among models. The better one is the smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Priority {
    /// Somebody waits for the answer.
    #[default]
    Live,
    /// An evaluation: it has time.
    Background,
}

/// How a request wants to be treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Call {
    /// No answer is wanted after it.
    pub deadline: Option<Instant>,
    /// Whose images go first.
    pub priority: Priority,
}

/// The door to one model's queue and workers. Clones share them; the last one to go closes the queue.
#[derive(Clone)]
pub struct Batcher(Arc<Inner>);

struct Inner {
    queue: Arc<Queue>,
    metrics: ModelMetrics,
    workers: Mutex<Vec<JoinHandle<()>>>,
    /// Where they go when the last clone has gone.
    leaving: OnceLock<Leaving>,
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
        cores: Cores,
        metrics: ModelMetrics,
    ) -> Result<Self, InferenceError> {
        let queue = Arc::new(Queue::new(options, cores, metrics.clone()));
        let inner = Inner { queue, metrics, workers: Mutex::default(), leaving: OnceLock::new() };
        let (ready, loaded) = std::sync::mpsc::channel();
        for index in 0..options.instances.max(1) {
            let (queue, metrics) = (Arc::clone(&inner.queue), inner.metrics.clone());
            let (factory, ready) = (Arc::clone(factory), ready.clone());
            let name = format!("{model}-{index}");
            let body = move || {
                aside::behind_clients();
                match factory() {
                    Ok(classifier) => {
                        let worker = Worker::new(name, factory, classifier, metrics);
                        let _ = ready.send(Ok(()));
                        drop(ready);
                        worker.run(index, &queue);
                    }
                    Err(error) => drop(ready.send(Err(error))),
                }
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

    /// The answer to each input, in order. Dropping the future cancels the images still queued.
    ///
    /// # Errors
    /// [`BatchError::Overloaded`] when the inputs do not fit the queue as a whole, the other variants
    /// as they say.
    pub async fn classify(&self, inputs: Vec<Input>, call: Call) -> Result<Answers, BatchError> {
        let (count, enqueued) = (inputs.len(), Instant::now());
        let result = self.run(inputs, call, enqueued).await;
        self.note(&result, enqueued);
        if let Err(BatchError::Overloaded { .. } | BatchError::ShuttingDown) = &result {
            self.0.metrics.images(Outcome::Rejected, count);
        }
        result
    }

    /// Counts a request, once, by what came of it.
    fn note(&self, result: &Result<Answers, BatchError>, enqueued: Instant) {
        let statistics = self.0.metrics.statistics();
        match result {
            Ok(answers) => {
                let Answers { rows, queue, inference } = answers;
                statistics.answered(rows.len(), enqueued.elapsed(), *queue, *inference);
            }
            Err(_) => statistics.failed(enqueued.elapsed()),
        }
    }

    async fn run(
        &self,
        inputs: Vec<Input>,
        call: Call,
        enqueued: Instant,
    ) -> Result<Answers, BatchError> {
        let Call { deadline, priority } = call;
        let count = inputs.len();
        if deadline.is_some_and(|deadline| deadline <= enqueued) {
            self.0.metrics.images(Outcome::Expired, count);
            return Err(BatchError::DeadlineExceeded);
        }
        let (jobs, deliveries): (Vec<_>, Vec<_>) = inputs
            .into_iter()
            .map(|input| {
                let (sender, delivery) = oneshot::channel();
                (Job { input, enqueued, reply: Reply { sender, deadline } }, delivery)
            })
            .unzip();
        self.0.queue.push(jobs, priority).map_err(|refusal| self.refused(refusal))?;
        let answers = Answers::collect(deliveries, deadline);
        match deadline {
            None => answers.await,
            Some(deadline) => timeout_at(deadline.into(), answers)
                .await
                .unwrap_or(Err(BatchError::DeadlineExceeded)),
        }
    }

    /// Refuses at once when not a single image more would fit; for callers with costly work ahead
    /// of [`Self::classify`]. `count` images are then recorded as rejected, and a request as failed.
    ///
    /// # Errors
    /// [`BatchError::Overloaded`], [`BatchError::ShuttingDown`].
    pub fn check_room(&self, count: usize) -> Result<(), BatchError> {
        self.0.queue.check_room().map_err(|refusal| {
            self.0.metrics.images(Outcome::Rejected, count);
            self.0.metrics.statistics().failed(Duration::ZERO);
            self.refused(refusal)
        })
    }

    /// How the images are queued and batched.
    pub fn options(&self) -> BatchOptions {
        self.0.queue.options
    }

    /// The most images that wait in the queue; a larger request never fits.
    pub fn capacity(&self) -> usize {
        self.options().max_queue_size
    }

    /// How long ago the last image came; nothing while images wait.
    pub fn idle(&self) -> Duration {
        self.0.queue.idle()
    }

    /// Takes no more images; the workers end when the queue is empty.
    pub fn close(&self) {
        self.0.queue.close();
    }

    /// Closes the queue and blocks until the workers have answered what was in it.
    pub fn join(&self) {
        self.close();
        leaving::join_all(self.0.take_workers());
    }

    /// Has the workers waited for there, once this and all of its clones are gone.
    pub fn leave_to(&self, leaving: &Leaving) {
        // The first to say so has its way.
        let _ = self.0.leaving.set(leaving.clone());
    }

    /// The error of images that were not taken, with the time by which those that wait now will have been worked off:
    /// whole seconds, 1 to 60.
    fn refused(&self, refusal: Refusal) -> BatchError {
        match refusal {
            Refusal::Full => {
                let seconds = self.0.queue.backlog().as_secs_f64().ceil();
                BatchError::Overloaded {
                    retry_after: Duration::from_secs_f64(seconds.clamp(1.0, 60.0)),
                }
            }
            Refusal::Closed => BatchError::ShuttingDown,
        }
    }
}

impl Inner {
    fn take_workers(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut *self.workers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(leaving) = self.leaving.get() {
            leaving.add(self.take_workers());
        }
    }
}
