//! One OS thread that owns one classifier.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::{
    BatchError, Factory, Priority,
    job::{Job, JobResult},
    queue::Queue,
};
use crate::{
    inference::{Classifier, InferenceError, Input, Prediction},
    metrics::ModelMetrics,
};

/// Pulls batches until the queue is closed and empty.
pub(super) struct Worker {
    name: String,
    factory: Factory,
    /// `None` after a panic, because the classifier may be inconsistent; the next batch gets a new one.
    classifier: Option<Box<dyn Classifier>>,
    /// Whether the queue counts this worker as healthy.
    healthy: bool,
    metrics: ModelMetrics,
}

/// First and longest time that a worker without a classifier waits before it tries to create one again.
const RETRY: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(10)];

impl Worker {
    pub(super) fn new(
        name: String,
        factory: Factory,
        classifier: Box<dyn Classifier>,
        metrics: ModelMetrics,
    ) -> Self {
        Self {
            name,
            factory,
            classifier: Some(classifier),
            healthy: true,
            metrics,
        }
    }

    /// Runs batches as worker `index` until the queue is closed and empty.
    pub(super) fn run(mut self, index: usize, queue: &Queue) {
        while self.recover(index, queue)
            && let Some(batch) = queue.next_batch(index)
        {
            self.process(batch.jobs, queue);
        }
    }

    /// Creates a new classifier after a panic. While that fails, the other workers process the images; if none of them is
    /// healthy, this worker goes on without a classifier so that the images fail instead of waiting forever. Returns `false`
    /// if the queue was closed meanwhile.
    fn recover(&mut self, index: usize, queue: &Queue) -> bool {
        let [mut pause, max_pause] = RETRY;
        loop {
            if self.classifier.is_none() {
                self.classifier = self.replace().ok();
            }
            let healthy = self.classifier.is_some();
            if healthy && !self.healthy {
                queue.healthy_workers.fetch_add(1, Ordering::Relaxed);
            } else if !healthy && self.healthy {
                queue.healthy_workers.fetch_sub(1, Ordering::Relaxed);
            }
            self.healthy = healthy;
            if healthy || queue.healthy_workers.load(Ordering::Relaxed) == 0 {
                return true;
            }
            if queue.pause(index, pause) {
                return false;
            }
            pause = max_pause.min(2 * pause);
        }
    }

    /// Processes a batch. If it fails, its images are tried one by one, so that one image cannot fail the requests that share
    /// its batch. After a time-out they are not tried again, because each image could take as long as the batch.
    fn process(&mut self, jobs: Vec<Job>, source: &Queue) {
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
        match self.classify(&inputs, priority, source) {
            Ok((predictions, inference)) => {
                for ((responder, queue), prediction) in responders.into_iter().zip(predictions) {
                    let result = prediction.map(|prediction| JobResult {
                        prediction,
                        queue,
                        inference,
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
                    let prediction = self.classify(std::slice::from_ref(input), priority, source);
                    let result = prediction.and_then(|(mut predictions, inference)| {
                        let prediction = predictions.swap_remove(0)?;
                        Ok(JobResult {
                            prediction,
                            queue,
                            inference,
                        })
                    });
                    responder.send(result, &self.metrics);
                }
            }
        }
    }

    /// Creates a new classifier after a panic.
    fn replace(&self) -> Result<Box<dyn Classifier>, String> {
        let failed = |reason: String| {
            tracing::error!(
                worker = self.name,
                reason,
                "cannot create a classifier after a panic"
            );
            reason
        };
        match catch_unwind(AssertUnwindSafe(|| (self.factory)())) {
            Ok(Ok(classifier)) => Ok(classifier),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(_) => Err(failed("the classifier panicked".to_owned())),
        }
    }

    /// Runs the classifier and catches its panic. Returns one result per input and the duration of the call.
    fn classify(
        &mut self,
        inputs: &[Input],
        priority: Priority,
        queue: &Queue,
    ) -> Result<(Vec<Result<Prediction, BatchError>>, Duration), BatchError> {
        let mut classifier = match self.classifier.take() {
            Some(classifier) => classifier,
            None => self.replace().map_err(BatchError::Failed)?,
        };
        let start = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| classifier.classify(inputs)));
        let latency = start.elapsed();
        self.metrics.record_batch(priority, inputs.len(), latency);
        queue.record_batch_latency(latency, inputs.len());

        let Ok(result) = result else {
            tracing::error!(
                worker = self.name,
                images = inputs.len(),
                "the classifier panicked"
            );
            self.metrics.count_worker_panic();
            return Err(BatchError::Failed("the classifier panicked".to_owned()));
        };
        self.classifier = Some(classifier);
        match result {
            Ok(predictions) if predictions.len() == inputs.len() => {
                queue.suspension.record_call_in_time();
                self.metrics
                    .statistics()
                    .record_batch(inputs.len(), latency);
                let prediction = |prediction: Result<Prediction, InferenceError>| {
                    prediction.map_err(|error| {
                        tracing::warn!(worker = self.name, %error, "image failed");
                        failure(&error)
                    })
                };
                Ok((predictions.into_iter().map(prediction).collect(), latency))
            }
            Ok(predictions) => {
                let reason = format!(
                    "the classifier returned {} results for {} images",
                    predictions.len(),
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
