//! Intake: the bytes of a request become faces, within the limits of the server and the deadline of the request.

mod arrival;
pub mod body;
pub(crate) mod buffer;
pub mod decoder;
pub mod deepface;
mod error;
mod json_text;
pub mod memory_limit;
pub mod upload;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    HttpRequest,
    web::{Bytes, Payload},
};
use mien_faces::image::{BoundingBox, Face};
use tokio::time::timeout_at;

pub use self::error::IntakeError;
use self::{
    arrival::ArrivalLimit,
    decoder::{CropError, DecodedFace, Decoder, EncodedImage, ImageDecodeError},
    deepface::Analysis,
    memory_limit::{BodyMemoryLimit, Reservation},
};
use crate::{
    batching::Priority, metrics::Outcome, models::registry::LiveModel, settings::LimitSettings,
    traces,
};

/// Arrival and deadline of a request.
#[derive(Debug, Clone, Copy)]
pub struct RequestTimes {
    /// Time at which the server received the head of the request.
    pub start: Instant,
    /// Time after which the client does not wait for the response any more.
    pub deadline: Instant,
}

/// The faces of a request.
pub struct DecodedImages {
    /// One result per image, in the order of the request.
    pub faces: Vec<Result<DecodedFace, ImageDecodeError>>,
    /// Time that decoding took.
    pub preprocess: Duration,
}

/// Reads and decodes the images of requests.
pub struct Intake {
    limits: Arc<LimitSettings>,
    /// Memory limit of all bodies together.
    pub memory: BodyMemoryLimit,
    /// Time limit of all bodies.
    pub arrival: ArrivalLimit,
    /// Decodes images to faces.
    pub decoder: Arc<Decoder>,
}

impl Intake {
    /// Creates the intake of a server.
    pub fn new(limits: Arc<LimitSettings>) -> Self {
        Self {
            memory: BodyMemoryLimit::new(limits.max_body_memory),
            arrival: ArrivalLimit::new(limits.body_timeout),
            decoder: Arc::new(Decoder::new(limits.max_pixels, limits.max_decode_memory)),
            limits,
        }
    }

    /// Reads a body with exactly one image and decodes it for a model.
    ///
    /// # Errors
    /// Returns the errors of [`Self::files`] and [`Self::decode`], and an error for several images.
    pub async fn image(
        &self,
        request: &HttpRequest,
        payload: Payload,
        model: &LiveModel,
        times: RequestTimes,
    ) -> Result<Result<Face, ImageDecodeError>, IntakeError> {
        let (file, _reservation) = self.file(request, payload, model, times).await?;
        let decoded = self.decode(vec![file], model, times.deadline).await?;
        let face = decoded
            .faces
            .into_iter()
            .next()
            .expect("an upload has at least one image, and each has a result");
        Ok(face.map(|decoded| decoded.face))
    }

    /// Reads a body with exactly one photo and crops a face for a model. `face_box` is in pixels of the upright photo.
    ///
    /// # Errors
    /// Returns the errors of [`Self::image`], and an error if the photo does not have the box.
    pub async fn face(
        &self,
        request: &HttpRequest,
        payload: Payload,
        model: &LiveModel,
        face_box: BoundingBox,
        times: RequestTimes,
    ) -> Result<Result<Face, ImageDecodeError>, IntakeError> {
        let (file, _reservation) = self.file(request, payload, model, times).await?;
        let _step = traces::step("decode");
        let cropping = self.decoder.crop(file, face_box, model.signature.side);
        let Ok(face) = timeout_at(times.deadline.into(), cropping).await else {
            return Err(IntakeError::DeadlineExceeded("the image was decoded"));
        };
        match face? {
            Ok(face) => Ok(Ok(face)),
            Err(CropError::Image(error)) => Ok(Err(error)),
            Err(CropError::Box(error)) => Err(IntakeError::Invalid(format!("query: {error}"))),
        }
    }

    /// Receives the only image file of a request.
    async fn file(
        &self,
        request: &HttpRequest,
        payload: Payload,
        model: &LiveModel,
        times: RequestTimes,
    ) -> Result<(EncodedImage, Reservation), IntakeError> {
        let (mut files, reservation) = self.files(request, payload, model, times).await?;
        if files.len() > 1 {
            let detail = format!("{} images; send one image per request", files.len());
            return Err(IntakeError::Invalid(detail));
        }
        let file = files.pop().expect("an upload has at least one image");
        Ok((file, reservation))
    }

    /// Reads a whole body of up to `max_body` bytes. Its bytes are reserved in `reservation`.
    ///
    /// # Errors
    /// Returns an error if the body exceeds a limit, is incomplete or is not received in time.
    pub async fn body(
        &self,
        request: &HttpRequest,
        payload: Payload,
        max_body: usize,
        reservation: Reservation,
        times: RequestTimes,
    ) -> Result<Bytes, IntakeError> {
        let _step = traces::step("read");
        let reading = body::collect(request, payload, max_body, reservation);
        self.arrival.limit(reading, times).await
    }

    /// Receives the image files of a request if the queue of the model has capacity for them. The files count in the memory limit
    /// until the reservation is dropped.
    ///
    /// # Errors
    /// Returns an error for a body of another kind or over a limit, and for a full queue.
    pub async fn files(
        &self,
        request: &HttpRequest,
        payload: Payload,
        model: &LiveModel,
        times: RequestTimes,
    ) -> Result<(Vec<EncodedImage>, Reservation), IntakeError> {
        if body::is_large(request) {
            // A full queue rejects a large body before it is received.
            model.batcher.ensure_capacity(1)?;
        }
        let reservation = self.memory.reservation();
        let mut step = traces::step("read");
        let reading = upload::read(request, payload, &self.limits, reservation.clone());
        let files = self.arrival.limit(reading, times).await?;
        step.set_count("mien.request.images", files.len());
        drop(step);
        model.batcher.ensure_capacity(files.len())?;
        Ok((files, reservation))
    }

    /// Receives a request of deepface's `POST /analyze` if the queue of the model has capacity for its image.
    ///
    /// # Errors
    /// Returns an error for a body of another kind or over a limit, and for a full queue.
    pub async fn analysis(
        &self,
        request: &HttpRequest,
        payload: Payload,
        model: &LiveModel,
        times: RequestTimes,
    ) -> Result<(Analysis, Reservation), IntakeError> {
        model.batcher.ensure_capacity(1)?;
        let reservation = self.memory.reservation();
        let mut step = traces::step("read");
        step.set_count("mien.request.images", 1);
        let reading = deepface::read(request, payload, &self.limits, reservation.clone());
        let analysis = self.arrival.limit(reading, times).await?;
        Ok((analysis, reservation))
    }

    /// Decodes image files for a model.
    ///
    /// # Errors
    /// Returns an error if the deadline passes or the decoder fails.
    pub async fn decode(
        &self,
        files: Vec<EncodedImage>,
        model: &LiveModel,
        deadline: Instant,
    ) -> Result<DecodedImages, IntakeError> {
        let (start, count) = (Instant::now(), files.len());
        let _step = traces::step("decode");
        let decoding = self.decoder.decode(files, model.signature.side);
        let Ok(faces) = timeout_at(deadline.into(), decoding).await else {
            model
                .metrics
                .count_images(Priority::Live, Outcome::Expired, count);
            return Err(IntakeError::DeadlineExceeded("the images were decoded"));
        };
        let faces = faces?;
        let invalid = faces.iter().filter(|face| face.is_err()).count();
        model
            .metrics
            .count_images(Priority::Live, Outcome::Invalid, invalid);
        Ok(DecodedImages {
            faces,
            preprocess: start.elapsed(),
        })
    }
}
