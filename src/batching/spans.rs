//! The spans of a request in a queue and in inference calls.

use std::time::Instant;

use opentelemetry::KeyValue;

use super::{BatchError, BatchResponse};
use crate::traces::{self, EndedStep, count_attribute};

/// Records the spans of a request that was enqueued at `enqueued`: `queue`, and `inference` for each inference call. `model` are
/// the attributes of the model.
pub fn record_spans<O>(
    result: &Result<BatchResponse<O>, BatchError>,
    enqueued: Instant,
    model: impl Fn() -> Vec<KeyValue>,
) {
    if !traces::is_recording() {
        return;
    }
    match result {
        Ok(response) => {
            traces::record(|| EndedStep {
                name: "queue",
                start: enqueued,
                end: enqueued + response.queue,
                attributes: model(),
                error_type: None,
            });
            for call in &response.calls {
                let mut attributes = model();
                attributes.push(count_attribute("mien.batch.size", call.images));
                traces::record(|| EndedStep {
                    name: "inference",
                    start: call.start,
                    end: call.start + call.duration,
                    attributes,
                    error_type: None,
                });
            }
        }
        Err(error) => {
            let (name, error_type) = failed_step(error);
            traces::record(|| EndedStep {
                name,
                start: enqueued,
                end: Instant::now(),
                attributes: model(),
                error_type: Some(error_type),
            });
        }
    }
}

/// Returns the name of the step that failed and the class of the error.
fn failed_step(error: &BatchError) -> (&'static str, &'static str) {
    match error {
        BatchError::Overloaded { .. } => ("queue", "overloaded"),
        BatchError::DeadlineExceeded => ("queue", "deadline_exceeded"),
        BatchError::OutOfService(_) => ("queue", "out_of_service"),
        BatchError::ShuttingDown => ("queue", "shutting_down"),
        BatchError::Failed(_) => ("inference", "failed"),
        BatchError::InferenceTimeout(_) => ("inference", "timeout"),
        BatchError::InvalidOutput(_) => ("inference", "invalid_output"),
    }
}
