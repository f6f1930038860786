//! Finds, classifies and follows the faces of each frame.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::web;
use mien_faces::tracking::{FaceTracker, FrameFace, TrackedFace};

use super::{
    document::{FrameProblem, FrameResult, LiveFace, LiveFrame},
    mailbox::Frame,
    query::LiveQuery,
};
use crate::{
    app::AppState,
    auth::Client,
    batching::RequestOptions,
    detection::{FaceDetector, FoundFace, PhotoFaces, PhotoOptions},
    http::{
        ApiError,
        error::image::ImageProblem,
        response::LabelOptions,
        routes::faces::{ClassifiedFace, classify},
    },
    inference::{Prediction, Probabilities},
    intake::decoder::EncodedImage,
    metrics::LiveOutcome,
    models::{mirror::ImageSource, registry::LiveModel},
};

/// Analyses the frames of one connection.
pub(super) struct Analyzer {
    state: web::Data<AppState>,
    detector: Arc<FaceDetector>,
    query: LiveQuery,
    client: Client,
    tracker: FaceTracker,
    start: Instant,
}

impl Analyzer {
    /// Creates the analyzer of a connection.
    pub(super) fn new(
        state: web::Data<AppState>,
        detector: Arc<FaceDetector>,
        query: LiveQuery,
        client: Client,
    ) -> Self {
        Self {
            state,
            detector,
            tracker: FaceTracker::new(query.smoothing),
            query,
            client,
            start: Instant::now(),
        }
    }

    /// Checks the query before the connection is opened.
    ///
    /// # Errors
    /// Returns an error if the model does not serve or a parameter is out of range.
    pub(super) fn check(&self) -> Result<(), ApiError> {
        self.options().map(drop)
    }

    /// Returns the model that serves now, and the options of the query for this model.
    fn options(&self) -> Result<(Arc<LiveModel>, LabelOptions, PhotoOptions), ApiError> {
        let query = &self.query.faces;
        let registry = &self.state.registry;
        let model = registry.resolve(query.model.as_deref(), query.version.as_deref())?;
        let labels = query.labels(&model)?;
        let options = query.photo(self.detector.max_faces(), model.signature.side)?;
        Ok((model, labels, options))
    }

    /// Returns the maximum time that the client may take to read a result.
    pub(super) fn send_timeout(&self) -> Duration {
        self.state.limits.request_timeout
    }

    /// Analyses a frame and returns its result as JSON. `dropped` is the number of frames that were dropped before.
    pub(super) async fn analyse(&mut self, frame: Frame, dropped: u64) -> String {
        let header = Header {
            frame: frame.index,
            dropped,
            received: frame.received,
        };
        let error = match self.faces(frame, &header).await {
            Ok(Ok(text)) => {
                self.count(LiveOutcome::Ok);
                return text;
            }
            Ok(Err(problem)) => problem.into(),
            Err(error) => FrameProblem::from(error),
        };
        self.count(LiveOutcome::Failed);
        header.encode(FrameResult::Failure { error })
    }

    fn count(&self, outcome: LiveOutcome) {
        self.state.metrics.live.count_frame(outcome);
    }

    /// Finds the faces of a frame and encodes them. The problem of the image is the inner error.
    async fn faces(
        &mut self,
        frame: Frame,
        header: &Header,
    ) -> Result<Result<String, ImageProblem>, ApiError> {
        let (model, labels, options) = self.options()?;
        let _admission = self.client.admit(1)?;
        let deadline = frame.received + self.state.limits.request_timeout;
        let file = EncodedImage::Raw(frame.file);
        let decoder = &self.state.intake.decoder;
        let found = self.detector.find(decoder, file, options, deadline);
        let mut photo = match found.await? {
            Ok(photo) => photo,
            Err(error) => return Ok(Err(error.into())),
        };
        let call = RequestOptions::live(deadline);
        let classified = classify(&model, photo.take_crops(), call, ImageSource::Video).await?;
        // The frames of a video are similar to each other, so they are not compared with an evaluation.
        model.record_predictions(None, &classified.rows);
        let (width, height) = (photo.width, photo.height);
        let faces = self.follow(photo, &classified.rows, header.received, (&model, labels))?;
        Ok(Ok(header.encode(FrameResult::Success {
            model: &model.name,
            version: model.version,
            width,
            height,
            faces,
        })))
    }

    /// Adds tracks and smoothed predictions to the faces of a frame.
    fn follow<'a>(
        &mut self,
        photo: PhotoFaces,
        rows: &[Prediction],
        received: Instant,
        (model, labels): (&'a LiveModel, LabelOptions),
    ) -> Result<Vec<LiveFace<'a>>, ApiError> {
        let faces = photo.faces.iter().zip(rows);
        let faces = faces.map(|(found, row)| FrameFace {
            face_box: found.detection.face_box,
            probabilities: row.probabilities.as_slice(),
        });
        let time = received.duration_since(self.start);
        let tracked = self.tracker.update(time, &faces.collect::<Vec<_>>());
        let faces = photo.faces.into_iter().zip(rows).zip(tracked);
        let face = |((found, row), tracked): ((FoundFace, &Prediction), TrackedFace)| {
            let smoothed = Probabilities::new(&tracked.smoothed).map_err(ApiError::internal)?;
            Ok(LiveFace {
                track: tracked.track,
                face: ClassifiedFace::new(found, labels.predict(model, &row.probabilities)),
                smoothed: labels.predict(model, &smoothed),
            })
        };
        faces.map(face).collect()
    }
}

/// The fields of every result.
struct Header {
    frame: u64,
    dropped: u64,
    received: Instant,
}

impl Header {
    fn encode(&self, result: FrameResult<'_>) -> String {
        let live = LiveFrame {
            frame: self.frame,
            dropped: self.dropped,
            duration_ms: self.received.elapsed().as_secs_f64() * 1e3,
            result,
        };
        serde_json::to_string(&live).expect("a result has only text keys and finite numbers")
    }
}
