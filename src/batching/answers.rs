//! The answers of a request, gathered from those of its images.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{BatchError, job::Delivery};
use crate::inference::Answer;

/// What a request gets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    /// One a face, in order.
    pub rows: Vec<Answer>,
    /// How long the image that waited longest was in the queue.
    pub queue: Duration,
    /// The longest of the runs that the images were in.
    pub inference: Duration,
}

impl Answers {
    /// Waits for the delivery of every image.
    ///
    /// # Errors
    /// That of the first image that has one.
    pub(super) async fn collect(
        deliveries: Vec<oneshot::Receiver<Result<Delivery, BatchError>>>,
        deadline: Option<Instant>,
    ) -> Result<Self, BatchError> {
        let mut answers = Self { rows: Vec::with_capacity(deliveries.len()), ..Self::default() };
        // The queue drops what has expired, and may notice that before the request's own clock does.
        let gone = |_| match deadline {
            Some(deadline) if deadline <= Instant::now() => BatchError::DeadlineExceeded,
            _ => BatchError::Failed("the worker thread ended without an answer".to_owned()),
        };
        for delivery in deliveries {
            let Delivery { answer, queue, inference } = delivery.await.map_err(gone)??;
            answers.rows.push(answer);
            answers.queue = answers.queue.max(queue);
            answers.inference = answers.inference.max(inference);
        }
        Ok(answers)
    }
}
