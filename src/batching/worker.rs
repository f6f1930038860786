//! One OS thread that owns one classifier.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use mien_faces::image::Face;
use tokio::sync::oneshot;

use super::{
    BatchError, Factory,
    queue::{Job, Queue},
};
use crate::{
    inference::{Classifier, Probabilities},
    metrics::{ModelMetrics, Outcome},
};

type Reply = oneshot::Sender<Result<Probabilities, BatchError>>;

/// Pulls batches until the queue is closed and empty.
pub(super) struct Worker {
    name: String,
    queue: Arc<Queue>,
    factory: Factory,
    /// `None` after a panic: its state cannot be trusted, so the next batch gets a new one.
    classifier: Option<Box<dyn Classifier>>,
    metrics: ModelMetrics,
}

impl Worker {
    pub(super) fn new(
        name: String,
        queue: Arc<Queue>,
        factory: Factory,
        classifier: Box<dyn Classifier>,
        metrics: ModelMetrics,
    ) -> Self {
        Self { name, queue, factory, classifier: Some(classifier), metrics }
    }

    pub(super) fn run(mut self) {
        while let Some(batch) = self.queue.next_batch() {
            self.answer(batch);
        }
    }

    /// Answers a batch. When it fails, its images are tried one by one, so that one image cannot fail
    /// the requests that it shares a batch with.
    fn answer(&mut self, batch: Vec<Job>) {
        let start = Instant::now();
        let mut waiting = Vec::with_capacity(batch.len());
        let mut faces = Vec::with_capacity(batch.len());
        for job in batch {
            self.metrics.queue_wait(start.duration_since(job.enqueued));
            waiting.push((job.reply, job.deadline));
            faces.push(job.face);
        }
        match self.classify(&faces) {
            Ok(rows) => {
                for ((reply, deadline), row) in waiting.into_iter().zip(rows) {
                    self.send(reply, deadline, Ok(row));
                }
            }
            Err(reason) if faces.len() == 1 => {
                for (reply, deadline) in waiting {
                    self.send(reply, deadline, Err(reason.clone()));
                }
            }
            Err(_) => {
                for ((reply, deadline), face) in waiting.into_iter().zip(&faces) {
                    let answer = self.classify(std::slice::from_ref(face));
                    let answer = answer.map(|mut rows| rows.swap_remove(0));
                    self.send(reply, deadline, answer);
                }
            }
        }
    }

    /// Runs the classifier, a panic contained. As many rows as faces, or the reason why not.
    fn classify(&mut self, faces: &[Face]) -> Result<Vec<Probabilities>, String> {
        let mut classifier = match self.classifier.take() {
            Some(classifier) => classifier,
            None => (self.factory)().map_err(|error| {
                tracing::error!(worker = self.name, %error, "no new classifier after a panic");
                error.to_string()
            })?,
        };
        let start = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| classifier.classify(faces)));
        let took = start.elapsed();
        self.metrics.batch(faces.len(), took);
        self.queue.note_speed(took, faces.len());

        let Ok(result) = result else {
            tracing::error!(worker = self.name, images = faces.len(), "the classifier panicked");
            return Err("the model failed unexpectedly".to_owned());
        };
        self.classifier = Some(classifier);
        match result {
            Ok(rows) if rows.len() == faces.len() => Ok(rows),
            Ok(rows) => Err(format!("{} answers for {} images", rows.len(), faces.len())),
            Err(error) => {
                tracing::error!(worker = self.name, images = faces.len(), %error, "a batch failed");
                Err(error.to_string())
            }
        }
    }

    /// Hands an answer over and counts the image, once, by what became of it.
    fn send(&self, reply: Reply, deadline: Option<Instant>, answer: Result<Probabilities, String>) {
        let delivered = if answer.is_ok() { Outcome::Ok } else { Outcome::Failed };
        let outcome = match reply.send(answer.map_err(BatchError::Failed)) {
            Ok(()) => delivered,
            Err(_) if deadline.is_some_and(|deadline| deadline <= Instant::now()) => {
                Outcome::Expired
            }
            Err(_) => Outcome::Cancelled,
        };
        self.metrics.images(outcome, 1);
    }
}
