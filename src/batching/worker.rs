//! One OS thread that owns one classifier.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
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
    metrics: ModelMetrics,
}

impl Worker {
    pub(super) fn new(
        name: String,
        factory: Factory,
        classifier: Box<dyn Classifier>,
        metrics: ModelMetrics,
    ) -> Self {
        Self { name, factory, classifier: Some(classifier), metrics }
    }

    /// Works as the one of this index to the end of the queue.
    pub(super) fn run(mut self, index: usize, queue: &Queue) {
        while let Some(batch) = queue.next_batch(index) {
            let speed = |took, images| queue.note_speed(took, images);
            self.answer(batch.jobs, &speed);
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
                    reply.send(Ok(Delivery { answer, queue, inference }), &self.metrics);
                }
            }
            Err(reason) if alone => {
                for (reply, _) in waiting {
                    reply.send(Err(reason.clone()), &self.metrics);
                }
            }
            Err(_) => {
                for ((reply, queue), input) in waiting.into_iter().zip(&inputs) {
                    let answer = self.classify(std::slice::from_ref(input), speed);
                    let delivery = answer.map(|(mut answers, inference)| Delivery {
                        answer: answers.swap_remove(0),
                        queue,
                        inference,
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

    /// Runs the classifier, a panic contained. As many answers as inputs with the time of the run, or the reason why not.
    fn classify(
        &mut self,
        inputs: &[Input],
        speed: &dyn Fn(Duration, usize),
    ) -> Result<(Vec<Answer>, Duration), BatchError> {
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
                Ok((answers, took))
            }
            Ok(answers) => {
                let reason = format!("{} answers for {} images", answers.len(), inputs.len());
                Err(BatchError::Failed(reason))
            }
            Err(error) => {
                tracing::error!(worker = self.name, images = inputs.len(), %error, "a batch failed");
                let reason = error.to_string();
                Err(match error {
                    InferenceError::Output(_) => BatchError::Unfit(reason),
                    InferenceError::Runtime(_)
                    | InferenceError::Model(_)
                    | InferenceError::Run(_) => BatchError::Failed(reason),
                })
            }
        }
    }
}
