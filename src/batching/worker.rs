//! One OS thread that owns one classifier.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::{
    BatchError, Factory,
    job::{Delivery, Job},
    queue::Queue,
};
use crate::{
    inference::{Answer, Classifier, InferenceError, Input},
    metrics::ModelMetrics,
};

/// Pulls batches until the queue is closed and empty.
pub(super) struct Worker {
    name: String,
    factory: Factory,
    /// `None` after a panic: its state cannot be trusted, so the next batch gets a new one.
    classifier: Option<Box<dyn Classifier>>,
    /// Whether the queue counts on it.
    able: bool,
    metrics: ModelMetrics,
}

/// How long a worker without a classifier leaves the images to the others before it tries again: at first, and at most.
const RETRY: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(10)];

impl Worker {
    pub(super) fn new(
        name: String,
        factory: Factory,
        classifier: Box<dyn Classifier>,
        metrics: ModelMetrics,
    ) -> Self {
        Self { name, factory, classifier: Some(classifier), able: true, metrics }
    }

    /// Works as the one of this index to the end of the queue.
    pub(super) fn run(mut self, index: usize, queue: &Queue) {
        while self.recover(index, queue)
            && let Some(batch) = queue.next_batch(index)
        {
            let speed = |took, images| queue.note_speed(took, images);
            self.answer(batch.jobs, &speed);
        }
    }

    /// Gets a new classifier after a panic. While there is none to be had the images are left to the other workers; the last
    /// one takes them all the same, or they would wait for nobody. `false` where the others do the rest.
    fn recover(&mut self, index: usize, queue: &Queue) -> bool {
        let [mut pause, longest] = RETRY;
        loop {
            if self.classifier.is_none() {
                self.classifier = self.replace().ok();
            }
            let able = self.classifier.is_some();
            if able && !self.able {
                queue.able.fetch_add(1, Ordering::Relaxed);
            } else if !able && self.able {
                queue.able.fetch_sub(1, Ordering::Relaxed);
            }
            self.able = able;
            if able || queue.able.load(Ordering::Relaxed) == 0 {
                return true;
            }
            if queue.pause(index, pause) {
                return false;
            }
            pause = longest.min(2 * pause);
        }
    }

    /// Answers a batch. When it fails, its images are tried one by one, so that one image cannot fail
    /// the requests that it shares a batch with.
    fn answer(&mut self, jobs: Vec<Job>, speed: &dyn Fn(Duration, usize)) {
        let start = Instant::now();
        let mut waiting = Vec::with_capacity(jobs.len());
        let mut inputs = Vec::with_capacity(jobs.len());
        for job in jobs {
            let queue = start.duration_since(job.enqueued);
            self.metrics.queue_wait(queue);
            waiting.push((job.reply, queue));
            inputs.push(job.input);
        }
        let alone = inputs.len() == 1;
        match self.classify(&inputs, speed) {
            Ok((answers, inference)) => {
                for ((reply, queue), answer) in waiting.into_iter().zip(answers) {
                    let delivery = answer.map(|answer| Delivery { answer, queue, inference });
                    reply.send(delivery, &self.metrics);
                }
            }
            Err(reason) if alone => {
                for (reply, _) in waiting {
                    reply.send(Err(reason.clone()), &self.metrics);
                }
            }
            Err(_) => {
                for ((reply, queue), input) in waiting.into_iter().zip(&inputs) {
                    if let Some(outcome) = reply.dead(Instant::now()) {
                        self.metrics.images(outcome, 1);
                        continue;
                    }
                    let answer = self.classify(std::slice::from_ref(input), speed);
                    let delivery = answer.and_then(|(mut answers, inference)| {
                        let answer = answers.swap_remove(0)?;
                        Ok(Delivery { answer, queue, inference })
                    });
                    reply.send(delivery, &self.metrics);
                }
            }
        }
    }

    /// A new classifier after a panic.
    fn replace(&self) -> Result<Box<dyn Classifier>, String> {
        let failed = |reason: String| {
            tracing::error!(worker = self.name, "no new classifier after a panic: {reason}");
            reason
        };
        match catch_unwind(AssertUnwindSafe(|| (self.factory)())) {
            Ok(Ok(classifier)) => Ok(classifier),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(_) => Err(failed("the model failed unexpectedly".to_owned())),
        }
    }

    /// Runs the classifier, a panic contained. As many answers as inputs, or why there is none, with the time of the run; or
    /// why there was none.
    fn classify(
        &mut self,
        inputs: &[Input],
        speed: &dyn Fn(Duration, usize),
    ) -> Result<(Vec<Result<Answer, BatchError>>, Duration), BatchError> {
        let mut classifier = match self.classifier.take() {
            Some(classifier) => classifier,
            None => self.replace().map_err(BatchError::Failed)?,
        };
        let start = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| classifier.classify(inputs)));
        let took = start.elapsed();
        self.metrics.batch(inputs.len(), took);
        speed(took, inputs.len());

        let Ok(result) = result else {
            tracing::error!(worker = self.name, images = inputs.len(), "the classifier panicked");
            self.metrics.worker_panic();
            return Err(BatchError::Failed("the model failed unexpectedly".to_owned()));
        };
        self.classifier = Some(classifier);
        match result {
            Ok(answers) if answers.len() == inputs.len() => {
                self.metrics.statistics().executed(inputs.len(), took);
                let answer = |answer: Result<Answer, InferenceError>| {
                    answer.map_err(|error| {
                        tracing::warn!(worker = self.name, %error, "an image got no answer");
                        failure(&error)
                    })
                };
                Ok((answers.into_iter().map(answer).collect(), took))
            }
            Ok(answers) => {
                let reason = format!("{} answers for {} images", answers.len(), inputs.len());
                Err(BatchError::Failed(reason))
            }
            Err(error) => {
                tracing::error!(worker = self.name, images = inputs.len(), %error, "a batch failed");
                Err(failure(&error))
            }
        }
    }
}

fn failure(error: &InferenceError) -> BatchError {
    let reason = error.to_string();
    match error {
        InferenceError::Output(_) => BatchError::Unfit(reason),
        InferenceError::Runtime(_) | InferenceError::Model(_) | InferenceError::Run(_) => {
            BatchError::Failed(reason)
        }
    }
}
