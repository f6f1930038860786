//! Finds the faces in photos.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use mien_faces::{detection::DetectionOptions, image::Limits};
use tokio::task::spawn_blocking;

use crate::{
    cli::classify::{inputs::Entry, read::read, result::LocatedFace, search::SearchArgs},
    detection::{DetectorLimits, FaceDetector, PhotoFaces},
    inference::{Probabilities, runtime::Runtime},
    intake::decoder::{Decoder, EncodedImage},
    metrics::Metrics,
    settings::DetectorChoice,
};

/// Maximum time of the search in one photo. A command has no client that waits.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The face detector with its decoder.
pub(in crate::cli::classify) struct PhotoSearch {
    detector: FaceDetector,
    decoder: Decoder,
    flags: SearchArgs,
}

impl PhotoSearch {
    /// Loads the detector for `workers` photos at once.
    ///
    /// # Errors
    /// Returns an error if the detector is not installed or cannot be loaded.
    pub(in crate::cli::classify) fn start(
        runtime: &Runtime,
        choice: Option<&DetectorChoice>,
        flags: SearchArgs,
        workers: usize,
    ) -> anyhow::Result<Self> {
        let path = match choice {
            Some(DetectorChoice::File(path)) => Some(path.clone()),
            Some(DetectorChoice::Off) => bail!("--faces needs a detector, and --detector is off"),
            None => FaceDetector::installed_file(),
        };
        let path = path.context(
            "the face detector is not installed. Install it with `cargo xtask setup`, or name its file with --detector",
        )?;
        let limits = DetectorLimits {
            max_queue_size: workers,
            max_faces: DetectionOptions::default().max_faces,
        };
        let detector = FaceDetector::start(runtime, &path, limits, &Metrics::new())
            .with_context(|| format!("cannot use the face detector `{}`", path.display()))?;
        let Limits {
            max_pixels,
            max_memory,
        } = Limits::default();
        let max_memory = usize::try_from(max_memory).unwrap_or(usize::MAX);
        let decoder = Decoder::new(max_pixels, max_memory);
        Ok(Self {
            detector,
            decoder,
            flags,
        })
    }

    /// Finds the faces in a file, and crops them in `side` rows and columns. The inner error is that of the file.
    pub(super) async fn find(
        &self,
        entry: Entry,
        side: usize,
    ) -> anyhow::Result<Result<PhotoFaces, String>> {
        let bytes = spawn_blocking(move || read(&entry));
        let bytes = match bytes.await.context("the reader panicked")? {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(error)),
        };
        let options = self.flags.options(side);
        let file = EncodedImage::Raw(bytes);
        let deadline = Instant::now() + TIMEOUT;
        let found = self.detector.find(&self.decoder, file, options, deadline);
        Ok(found.await?.map_err(|error| error.to_string()))
    }
}

/// Combines the faces of a photo with their probabilities.
pub(super) fn located(photo: PhotoFaces, rows: Vec<Probabilities>) -> Vec<LocatedFace> {
    let faces = photo.faces.into_iter().zip(rows);
    let located = faces.map(|(face, probabilities)| LocatedFace {
        face_box: face.detection.face_box,
        score: face.detection.score,
        probabilities,
        track: None,
    });
    located.collect()
}
