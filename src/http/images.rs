//! Reads and decodes the images of a request within its deadline and the limits of the server: body -> files -> faces.

use std::time::Instant;

use actix_web::{HttpRequest, web::Payload};
use mien_faces::image::Face;
use tokio::time::timeout_at;

use super::{
    State, body,
    error::{ApiError, Code},
    upload,
};
use crate::{
    intake::decoder::{EncodedImage, ImageDecodeError},
    intake::memory_limit::Reservation,
    metrics::Outcome,
    models::registry::LiveModel,
};

/// Arrival and deadline of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestTimes {
    pub(super) start: Instant,
    pub(super) deadline: Instant,
}

/// Image files and the memory that is reserved for them.
pub(super) struct RequestImages {
    files: Vec<EncodedImage>,
    _reservation: Reservation,
}

impl RequestImages {
    /// Reads a body with at least one image if the queue of the model has capacity.
    ///
    /// # Errors
    /// Returns the errors of the body, 503 if the queue is full, 408 and 504.
    pub(super) async fn read(
        request: &HttpRequest,
        payload: Payload,
        state: &State,
        model: &LiveModel,
        time: RequestTimes,
    ) -> Result<Self, ApiError> {
        if body::is_large(request) {
            // A full queue rejects a large body before it is received.
            model.batcher.ensure_capacity(1)?;
        }
        let reservation = state.bodies.reservation();
        let reading = upload::read(request, payload, &state.limits, reservation.clone());
        let files = body::with_timeout(reading, time.start, time.deadline, &state.limits).await?;
        model.batcher.ensure_capacity(files.len())?;
        Ok(Self {
            files,
            _reservation: reservation,
        })
    }

    /// Number of images, at least 1.
    pub(super) fn count(&self) -> usize {
        self.files.len()
    }

    /// Decodes each image and returns the results in order.
    ///
    /// # Errors
    /// Returns 504 if the deadline passes.
    pub(super) async fn decode(
        self,
        state: &State,
        model: &LiveModel,
        deadline: Instant,
    ) -> Result<Vec<Result<Face, ImageDecodeError>>, ApiError> {
        let count = self.count();
        let decoding = state.decoder.decode(self.files, model.signature.side);
        let Ok(decoded) = timeout_at(deadline.into(), decoding).await else {
            model.metrics.images(Outcome::Expired, count);
            let detail = "the deadline passed before the images were decoded";
            return Err(ApiError::new(Code::DeadlineExceeded, detail));
        };
        Ok(decoded?)
    }
}
