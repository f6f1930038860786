//! The response to a request, collected from the results of its images.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{
    BatchError,
    job::{InferenceCall, JobResult},
};
use crate::{inference::Prediction, traces};

/// The results of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchResponse<O = Prediction> {
    /// One result per image, in order.
    pub rows: Vec<O>,
    /// Longest time that one of the images was queued.
    pub queue: Duration,
    /// Longest inference call that one of the images was part of.
    pub inference: Duration,
    /// Mean over the images of the duration of their inference call, divided by the number of images of the call.
    pub inference_per_image: Duration,
    /// The inference calls that the images were part of. Empty unless the request is traced.
    pub calls: Vec<InferenceCall>,
}

impl<O> Default for BatchResponse<O> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            queue: Duration::ZERO,
            inference: Duration::ZERO,
            inference_per_image: Duration::ZERO,
            calls: Vec::new(),
        }
    }
}

impl<O> BatchResponse<O> {
    /// Waits for the result of every image.
    ///
    /// # Errors
    /// Returns the error of the first image that failed.
    pub(super) async fn collect(
        results: Vec<oneshot::Receiver<Result<JobResult<O>, BatchError>>>,
        deadline: Option<Instant>,
    ) -> Result<Self, BatchError> {
        let mut response = Self {
            rows: Vec::with_capacity(results.len()),
            ..Self::default()
        };
        let is_traced = traces::is_recording();
        // The queue drops expired images, possibly before the timeout of the request fires.
        let dropped = |_| match deadline {
            Some(deadline) if deadline <= Instant::now() => BatchError::DeadlineExceeded,
            _ => BatchError::Failed("the worker thread ended without a result".to_owned()),
        };
        for result in results {
            let JobResult {
                output,
                queue,
                call,
            } = result.await.map_err(dropped)??;
            response.rows.push(output);
            response.queue = response.queue.max(queue);
            response.inference = response.inference.max(call.duration);
            response.inference_per_image += call.duration / divisor(call.images);
            if is_traced && !response.calls.contains(&call) {
                response.calls.push(call);
            }
        }
        response.inference_per_image /= divisor(response.rows.len());
        Ok(response)
    }
}

fn divisor(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX).max(1)
}
