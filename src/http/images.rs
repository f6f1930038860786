//! The pictures of a request on their way to a model: body -> files -> faces, within its time and the server's limits.

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

/// When a request came and when it must be answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeframe {
    pub(super) start: Instant,
    pub(super) deadline: Instant,
}

/// Picture files, and the memory that is taken for them.
pub(super) struct Pictures {
    files: Vec<EncodedImage>,
    _reservation: Reservation,
}

impl Pictures {
    /// Reads a body, which holds at least one picture, where the model has room for it.
    ///
    /// # Errors
    /// Those of the body, 503 where the model has no room, 408 and 504.
    pub(super) async fn read(
        request: &HttpRequest,
        payload: Payload,
        state: &State,
        model: &LiveModel,
        time: Timeframe,
    ) -> Result<Self, ApiError> {
        if body::is_large(request) {
            // Nobody waits for a body only to hear that there is no room.
            model.batcher.ensure_capacity(1)?;
        }
        let reservation = state.bodies.reservation();
        let reading = upload::read(request, payload, &state.limits, reservation.clone());
        let files = body::in_time(reading, time.start, time.deadline, &state.limits).await?;
        model.batcher.ensure_capacity(files.len())?;
        Ok(Self { files, _reservation: reservation })
    }

    /// How many there are, at least 1.
    pub(super) fn count(&self) -> usize {
        self.files.len()
    }

    /// The face, or what is wrong, of each picture, in order.
    ///
    /// # Errors
    /// 504 where the deadline passes first.
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
            let detail = "the deadline passed before the pictures were decoded";
            return Err(ApiError::new(Code::DeadlineExceeded, detail));
        };
        Ok(decoded?)
    }
}
