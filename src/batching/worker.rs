//! One OS thread that owns one model.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::{
    BatchError, Factory, InferenceCall, Priority,
    job::{Job, JobResult},
    queue::Queue,
};
use crate::{
    inference::{InferenceError, Model},
    metrics::ModelMetrics,
};

/// One result per input, and the call.
type BatchOutputs<M> = (Vec<Result<<M as Model>::Output, BatchError>>, InferenceCall);

/// Result of one call of the model.
type ModelResult<M> = Result<Vec<Result<<M as Model>::Output, InferenceError>>, InferenceError>;

/// Pulls batches until the queue is closed and empty.
pub(super) struct Worker<M: Model + ?Sized> {
    /// Number of the worker within its queue.
    index: usize,
    name: String,
    factory: Factory<M>,
    /// `None` at the start of some workers, and after a panic, because the model may be inconsistent.
    model: Option<Box<M>>,
    /// Whether the queue counts this worker as healthy.
    healthy: bool,
    metrics: ModelMetrics,
}

/// First and longest time that a worker without a model waits before it tries to create one again.
const RETRY: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(10)];

impl<M: Model + ?Sized> Worker<M> {
    pub(super) fn new(
        index: usize,
        name: String,
        factory: Factory<M>,
        model: Option<Box<M>>,
        metrics: ModelMetrics,
    ) -> Self {
        Self {
            index,
            name,
            factory,
            model,
            healthy: true,
            metrics,
        }
    }

    /// Runs batches until the queue is closed and empty.
    pub(super) fn run(mut self, queue: &Queue<M>) {
        while self.recover(queue)
            && let Some(batch) = queue.next_batch(self.index)
        {
            self.process(batch.jobs, queue);
        }
    }

    /// Creates the model if there is none. While that fails, the other workers process the images; if none of them is
    /// healthy, this worker goes on without a model so that the images fail instead of waiting forever. Returns `false`
    /// if the queue was closed meanwhile.
    fn recover(&mut self, queue: &Queue<M>) -> bool {
        let [mut pause, max_pause] = RETRY;
        loop {
            if self.model.is_none() {
                self.model = self.replace().ok();
            }
            let healthy = self.model.is_some();
            if healthy && !self.healthy {
                queue.healthy_workers.fetch_add(1, Ordering::Relaxed);
            } else if !healthy && self.healthy {
                queue.healthy_workers.fetch_sub(1, Ordering::Relaxed);
            }
            self.healthy = healthy;
            if healthy || queue.healthy_workers.load(Ordering::Relaxed) == 0 {
                return true;
            }
            if queue.pause(self.index, pause) {
                return false;
            }
            pause = max_pause.min(2 * pause);
        }
    }

    /// Processes a batch. If it fails, its images are tried one by one, so that one image cannot fail the requests that share
    /// its batch. After a time-out they are not tried again, because each image could take as long as the batch.
    fn process(&mut self, jobs: Vec<Job<M>>, source: &Queue<M>) {
        let start = Instant::now();
        let mut responders = Vec::with_capacity(jobs.len());
        let mut inputs = Vec::with_capacity(jobs.len());
        for job in jobs {
            let queue = start.duration_since(job.enqueued);
            self.metrics
                .record_queue_wait(job.responder.priority, queue);
            responders.push((job.responder, queue));
            inputs.push(job.input);
        }
        let alone = inputs.len() == 1;
        // All images of a batch have the same priority.
        let priority = responders
            .first()
            .map_or_else(Priority::default, |(responder, _)| responder.priority);
        match self.infer(&inputs, priority, source) {
            Ok((outputs, call)) => {
                for ((responder, queue), output) in responders.into_iter().zip(outputs) {
                    let result = output.map(|output| JobResult {
                        output,
                        queue,
                        call,
                    });
                    responder.send(result, &self.metrics);
                }
            }
            Err(reason) if alone || matches!(reason, BatchError::InferenceTimeout(_)) => {
                for (responder, _) in responders {
                    responder.send(Err(reason.clone()), &self.metrics);
                }
            }
            Err(_) => {
                for ((responder, queue), input) in responders.into_iter().zip(&inputs) {
                    if let Some(outcome) = responder.drop_reason(Instant::now()) {
                        self.metrics.count_images(responder.priority, outcome, 1);
                        continue;
                    }
                    let output = self.infer(std::slice::from_ref(input), priority, source);
                    let result = output.and_then(|(mut outputs, call)| {
                        let output = outputs.swap_remove(0)?;
                        Ok(JobResult {
                            output,
                            queue,
                            call,
                        })
                    });
                    responder.send(result, &self.metrics);
                }
            }
        }
    }

    /// Creates the model.
    fn replace(&self) -> Result<Box<M>, String> {
        let failed = |reason: String| {
            tracing::error!(
                worker = self.name,
                reason,
                "cannot create the model of a worker; it tries again"
            );
            reason
        };
        match catch_unwind(AssertUnwindSafe(|| (self.factory)())) {
            Ok(Ok(model)) => Ok(model),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(_) => Err(failed("the model panicked".to_owned())),
        }
    }

    /// Runs the model. Returns one result per input and the call.
    fn infer(
        &mut self,
        inputs: &[M::Input],
        priority: Priority,
        queue: &Queue<M>,
    ) -> Result<BatchOutputs<M>, BatchError> {
        let (result, call) = self.call(inputs, priority, queue)?;
        match result {
            Ok(outputs) if outputs.len() == inputs.len() => {
                queue.suspension.record_call_in_time();
                queue.record_call(self.index, inputs.len(), call.duration);
                self.metrics
                    .statistics()
                    .record_batch(inputs.len(), call.duration);
                let output = |output: Result<M::Output, InferenceError>| {
                    output.map_err(|error| {
                        tracing::warn!(worker = self.name, %error, "image failed");
                        failure(&error)
                    })
                };
                Ok((outputs.into_iter().map(output).collect(), call))
            }
            Ok(outputs) => {
                let reason = format!(
                    "the model returned {} results for {} images",
                    outputs.len(),
                    inputs.len()
                );
                Err(BatchError::Failed(reason))
            }
            Err(error) => {
                tracing::error!(worker = self.name, images = inputs.len(), %error, "batch failed");
                if let InferenceError::Timeout(reason) = &error {
                    queue.record_timeout(reason);
                }
                Err(failure(&error))
            }
        }
    }

    /// Calls the model, catches its panic and records the duration. After a panic the worker has no model.
    fn call(
        &mut self,
        inputs: &[M::Input],
        priority: Priority,
        queue: &Queue<M>,
    ) -> Result<(ModelResult<M>, InferenceCall), BatchError> {
        let mut model = match self.model.take() {
            Some(model) => model,
            None => self.replace().map_err(BatchError::Failed)?,
        };
        let images = inputs.len();
        let start = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| model.infer(inputs)));
        let duration = start.elapsed();
        self.metrics.record_batch(priority, images, duration);
        queue.record_batch_latency(duration, images);
        let Ok(result) = result else {
            tracing::error!(worker = self.name, images, "the model panicked");
            self.metrics.count_worker_panic();
            return Err(BatchError::Failed("the model panicked".to_owned()));
        };
        self.model = Some(model);
        let call = InferenceCall {
            start,
            duration,
            images,
        };
        Ok((result, call))
    }
}

fn failure(error: &InferenceError) -> BatchError {
    let reason = error.to_string();
    match error {
        InferenceError::Timeout(_) => BatchError::InferenceTimeout(reason),
        InferenceError::Output(_) => BatchError::InvalidOutput(reason),
        InferenceError::Runtime(_) | InferenceError::Model(_) | InferenceError::Run(_) => {
            BatchError::Failed(reason)
        }
    }
}
