//! One track: position, motion and smoothed probabilities of a face.

use std::time::Duration;

use super::{FrameFace, Smoothing};
use crate::image::BoundingBox;

/// Number of frames without the face after which a track can end.
const MAX_MISSED: u32 = 3;
/// Time without the face after which a track can end.
const MAX_UNSEEN: Duration = Duration::from_secs(1);
/// Maximum time for which the motion of a face is extrapolated.
const MAX_EXTRAPOLATION: Duration = Duration::from_millis(500);
/// Weight of the previous velocity. Boxes of a face that does not move vary by some pixels from frame to frame.
const VELOCITY_WEIGHT: f32 = 0.5;

/// A face that is followed.
#[derive(Debug)]
pub(super) struct Track {
    id: u64,
    /// The last box.
    face_box: BoundingBox,
    /// Motion of the box in pixels per second; `None` after a single frame.
    velocity: Option<(f32, f32)>,
    /// Time of the last box.
    seen: Duration,
    /// Number of frames since the last box.
    missed: u32,
    smoothed: Vec<f32>,
}

impl Track {
    pub(super) fn new(id: u64, time: Duration, face: &FrameFace<'_>) -> Self {
        Self {
            id,
            face_box: face.face_box,
            velocity: None,
            seen: time,
            missed: 0,
            smoothed: face.probabilities.to_vec(),
        }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn smoothed(&self) -> &[f32] {
        &self.smoothed
    }

    pub(super) fn last_box(&self) -> &BoundingBox {
        &self.face_box
    }

    /// Returns the box at `time` if the face continues to move as before.
    pub(super) fn predicted_box(&self, time: Duration) -> BoundingBox {
        let elapsed = time.saturating_sub(self.seen).min(MAX_EXTRAPOLATION);
        let (x, y) = self.velocity.unwrap_or_default();
        BoundingBox {
            x: self.face_box.x + x * elapsed.as_secs_f32(),
            y: self.face_box.y + y * elapsed.as_secs_f32(),
            ..self.face_box
        }
    }

    /// Counts a frame, in which the face may be missing.
    pub(super) fn miss(&mut self) {
        self.missed += 1;
    }

    /// Adds the face of a frame.
    pub(super) fn observe(&mut self, time: Duration, face: &FrameFace<'_>, smoothing: Smoothing) {
        let elapsed = time.saturating_sub(self.seen).as_secs_f32();
        if elapsed > 0.0 {
            let ((x, y), (last_x, last_y)) = (face.face_box.centre(), self.face_box.centre());
            let current = ((x - last_x) / elapsed, (y - last_y) / elapsed);
            let previous = self.velocity.unwrap_or(current);
            let mean = |previous: f32, current: f32| {
                VELOCITY_WEIGHT * previous + (1.0 - VELOCITY_WEIGHT) * current
            };
            self.velocity = Some((mean(previous.0, current.0), mean(previous.1, current.1)));
        }
        (self.face_box, self.seen, self.missed) = (face.face_box, time, 0);
        smoothing.apply(&mut self.smoothed, face.probabilities);
    }

    /// Returns whether the face has not been found for so long that a face at its position is regarded as another one.
    pub(super) fn has_ended(&self, time: Duration) -> bool {
        self.missed >= MAX_MISSED && time.saturating_sub(self.seen) > MAX_UNSEEN
    }
}
