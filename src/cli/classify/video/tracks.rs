//! Follows the faces of the frames of each video.

use mien_faces::tracking::{FaceTracker, FrameFace, Smoothing};

use crate::{
    cli::classify::result::{FileResult, Outcome, Track},
    inference::{InferenceError, Probabilities},
};

/// Adds tracks to the results of frames, which are in order.
pub(in crate::cli::classify) struct Tracks {
    smoothing: Smoothing,
    /// The video of the last result, and its tracker.
    current: Option<(String, FaceTracker)>,
}

impl Tracks {
    pub(super) fn new(smoothing: Smoothing) -> Self {
        Self {
            smoothing,
            current: None,
        }
    }

    /// Adds the track of each face. The tracks of a video are counted from 1.
    ///
    /// # Errors
    /// Returns an error if smoothed probabilities are not a distribution.
    pub(in crate::cli::classify) fn add(
        &mut self,
        results: &mut [FileResult],
    ) -> Result<(), InferenceError> {
        for result in results {
            let (Some(frame), Outcome::Faces(faces)) = (&result.frame, &mut result.outcome) else {
                continue;
            };
            let current = self.current.take();
            let (_, tracker) = self.current.insert(match current {
                Some(current) if current.0 == result.file => current,
                _ => (result.file.clone(), FaceTracker::new(self.smoothing)),
            });
            let found = faces.iter().map(|face| FrameFace {
                face_box: face.face_box,
                probabilities: face.probabilities.as_slice(),
            });
            let tracked = tracker.update(frame.time, &found.collect::<Vec<_>>());
            for (face, tracked) in faces.iter_mut().zip(tracked) {
                face.track = Some(Track {
                    id: tracked.track,
                    smoothed: Probabilities::new(&tracked.smoothed)?,
                });
            }
        }
        Ok(())
    }
}
