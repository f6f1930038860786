//! Dynamic batching: images wait in one bounded queue per model, and idle worker threads pull them in batches.
//!
//! ```text
//! infer(inputs) -> queue (bounded in images, all or nothing)
//!                       -> cpu_budget: permits, one budget for all models
//!                       -> assemble: the next batch, without expired and cancelled images
//!                            -> worker: one OS thread, one model -> response
//! ```
//!
//! At low load an image is taken by an idle worker at once. Under load batches form while the workers are busy. Every
//! image is one entry of the queue with its own response channel, so a large request is split over batches and workers,
//! and its results are returned in order. Background images (evaluations, explanations, shadows) have a queue of their
//! own, which is served while the live queue is empty.
//!
//! The queue is a `Mutex` with a `Condvar` per worker instead of a channel, for three reasons. The images of a request are
//! admitted together or not at all. Expired entries are removed from the middle. A worker reads the length before it takes
//! its share. The critical sections only move entries. They do not contain inference, logging or allocation of results.

mod assemble;
mod background;
mod call_durations;
mod cpu_budget;
mod error;
mod job;
mod options;
mod queue;
mod queue_state;
mod response;
mod retired_workers;
mod spans;
mod suspension;
#[cfg(test)]
mod tests;
mod timeouts;
mod worker;
mod worker_pool;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, time::timeout_at};

pub use self::{
    call_durations::CallStatistics,
    cpu_budget::CpuBudget,
    error::BatchError,
    job::InferenceCall,
    options::{BatchOptions, Priority, RequestOptions, StartMode},
    response::BatchResponse,
    retired_workers::RetiredWorkers,
    spans::record_spans,
};
use self::{
    job::{Job, Responder},
    queue::PushError,
    worker_pool::WorkerPool,
};
use crate::{
    inference::{Classifier, InferenceError, Model},
    metrics::Outcome,
};

/// Creates a model: once per worker, and again after a panic.
pub type Factory<M = dyn Classifier> =
    Arc<dyn Fn() -> Result<Box<M>, InferenceError> + Send + Sync>;

/// Handle to the queue and workers of one model. Clones share them. Dropping the last clone closes the queue.
pub struct Batcher<M: Model + ?Sized = dyn Classifier>(Arc<WorkerPool<M>>);

impl<M: Model + ?Sized> Clone for Batcher<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: Model + ?Sized + 'static> Batcher<M> {
    /// Runs the model on each input and returns the results in order. Dropping the future cancels the images that are still
    /// queued.
    ///
    /// # Errors
    /// Returns [`BatchError::Overloaded`] if the inputs do not fit into the queue as a whole, and the other variants as
    /// documented there.
    pub async fn infer(
        &self,
        inputs: Vec<M::Input>,
        options: RequestOptions,
    ) -> Result<BatchResponse<M::Output>, BatchError> {
        let (count, enqueued) = (inputs.len(), Instant::now());
        let result = self.run(inputs, options, enqueued).await;
        self.record_request(&result, enqueued);
        if result.as_ref().is_err_and(BatchError::is_rejection) {
            self.0
                .metrics
                .count_images(options.priority, Outcome::Rejected, count);
        }
        result
    }

    /// Records the outcome of a request once, however often it was tried.
    fn record_request(
        &self,
        result: &Result<BatchResponse<M::Output>, BatchError>,
        enqueued: Instant,
    ) {
        let statistics = self.0.metrics.statistics();
        match result {
            Ok(response) => {
                let BatchResponse {
                    rows,
                    queue,
                    inference,
                    ..
                } = response;
                statistics.record_success(rows.len(), enqueued.elapsed(), *queue, *inference);
            }
            Err(_) => statistics.record_failure(enqueued.elapsed()),
        }
    }

    async fn run(
        &self,
        inputs: Vec<M::Input>,
        options: RequestOptions,
        enqueued: Instant,
    ) -> Result<BatchResponse<M::Output>, BatchError> {
        let RequestOptions { deadline, priority } = options;
        let count = inputs.len();
        if deadline.is_some_and(|deadline| deadline <= enqueued) {
            self.0
                .metrics
                .count_images(priority, Outcome::Expired, count);
            return Err(BatchError::DeadlineExceeded);
        }
        let (jobs, results): (Vec<_>, Vec<_>) = inputs
            .into_iter()
            .map(|input| {
                let (sender, result) = oneshot::channel();
                (
                    Job {
                        input,
                        enqueued,
                        responder: Responder {
                            priority,
                            sender,
                            deadline,
                        },
                    },
                    result,
                )
            })
            .unzip();
        self.0
            .queue
            .push(jobs, priority)
            .map_err(|error| self.rejection(error))?;
        let response = BatchResponse::collect(results, deadline);
        match deadline {
            None => response.await,
            Some(deadline) => timeout_at(deadline.into(), response)
                .await
                .unwrap_or(Err(BatchError::DeadlineExceeded)),
        }
    }

    /// Rejects at once if the queue is full or closed, before the caller does costly work such as decoding. `count` images
    /// are then recorded as rejected, and a request as failed.
    ///
    /// # Errors
    /// Returns [`BatchError::Overloaded`] or [`BatchError::ShuttingDown`].
    pub fn ensure_capacity(&self, count: usize) -> Result<(), BatchError> {
        self.0.queue.ensure_capacity().map_err(|error| {
            self.0
                .metrics
                .count_images(Priority::Live, Outcome::Rejected, count);
            self.0.metrics.statistics().record_failure(Duration::ZERO);
            self.rejection(error)
        })
    }

    /// Queueing and batching parameters.
    pub fn options(&self) -> BatchOptions {
        self.0.queue.options
    }

    /// Limits further inference calls to a number of images, at most [`BatchOptions::max_batch`].
    pub fn limit_batches(&self, images: usize) {
        self.0.queue.limit_batches(images);
    }

    /// Maximum number of queued images; a larger request never fits.
    pub fn capacity(&self) -> usize {
        self.options().max_queue_size
    }

    /// Time since the last image arrived; zero while images are queued.
    pub fn idle(&self) -> Duration {
        self.0.queue.idle()
    }

    /// Rejects further images. The workers end when the queue is empty.
    pub fn close(&self) {
        self.0.queue.close();
    }

    /// Closes the queue and blocks until the workers have processed the queued images.
    pub fn join(&self) {
        self.close();
        self.0.join();
    }

    /// Hands the worker threads to `reaper` when the last clone is dropped, so that shutdown can wait for them.
    pub fn set_reaper(&self, reaper: &RetiredWorkers) {
        self.0.set_reaper(reaper);
    }

    /// Calls `handler` with the reason when the model is taken out of service. Later calls of this method have no effect.
    pub fn on_suspension(&self, handler: impl Fn(&str) + Send + Sync + 'static) {
        self.0.queue.suspension.set_handler(Box::new(handler));
    }

    /// Returns why the model is out of service: inference calls exceeded their time limit repeatedly.
    pub fn suspension(&self) -> Option<&str> {
        self.0.queue.suspension.reason()
    }

    /// Converts the error of the queue. `retry_after` is the estimated time to process the queued images, in whole seconds
    /// from 1 to 60.
    fn rejection(&self, error: PushError) -> BatchError {
        match error {
            PushError::Full => {
                let seconds = self.0.queue.estimated_wait().as_secs_f64().ceil();
                BatchError::Overloaded {
                    retry_after: Duration::from_secs_f64(seconds.clamp(1.0, 60.0)),
                }
            }
            PushError::Closed => BatchError::ShuttingDown,
            PushError::Suspended => {
                BatchError::OutOfService(self.suspension().unwrap_or_default().to_owned())
            }
        }
    }
}
