//! Follows faces through the frames of a video and smooths their probabilities.
//!
//! Faces are followed by position and motion only: two boxes belong to the same track if they are near enough in consecutive frames.
//! Nothing about a person is compared or stored.

mod matching;
mod smoothing;
mod track;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::smoothing::{InvalidSmoothing, Smoothing};
use self::{matching::assign, track::Track};
use crate::image::BoundingBox;

/// A face of a frame, for [`FaceTracker::update`].
#[derive(Debug, Clone, Copy)]
pub struct FrameFace<'a> {
    /// The rectangle of the face in pixels of the frame.
    pub face_box: BoundingBox,
    /// Probability per class, 0 to 1.
    pub probabilities: &'a [f32],
}

/// The track of a face.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackedFace {
    /// Identifier of the track. A tracker counts its tracks from 1 and does not reuse identifiers.
    pub track: u64,
    /// Probability per class, 0 to 1, smoothed over the frames of the track.
    pub smoothed: Vec<f32>,
}

/// Follows the faces of one video.
///
/// A track survives frames in which its face is not found. It ends after three such frames if the face was last seen more than a second
/// ago.
#[derive(Debug)]
pub struct FaceTracker {
    smoothing: Smoothing,
    tracks: Vec<Track>,
    last_id: u64,
}

impl FaceTracker {
    /// Creates a tracker without tracks.
    pub fn new(smoothing: Smoothing) -> Self {
        Self {
            smoothing,
            tracks: Vec::new(),
            last_id: 0,
        }
    }

    /// Returns the track of each face of the next frame, in the order of `faces`. `time` is the time of the frame since the start of the
    /// video, which must not decrease.
    pub fn update(&mut self, time: Duration, faces: &[FrameFace<'_>]) -> Vec<TrackedFace> {
        let assigned = assign(&self.tracks, time, faces);
        self.tracks.iter_mut().for_each(Track::miss);
        let tracked = faces
            .iter()
            .zip(assigned)
            .map(|(face, index)| self.follow(time, face, index));
        let tracked = tracked.collect();
        self.tracks.retain(|track| !track.has_ended(time));
        tracked
    }

    /// Adds a face to the track with this index, or to a new track.
    fn follow(
        &mut self,
        time: Duration,
        face: &FrameFace<'_>,
        index: Option<usize>,
    ) -> TrackedFace {
        let track = match index {
            Some(index) => {
                let track = &mut self.tracks[index];
                track.observe(time, face, self.smoothing);
                track
            }
            None => {
                self.last_id += 1;
                self.tracks.push(Track::new(self.last_id, time, face));
                self.tracks.last_mut().expect("a track was just added")
            }
        };
        TrackedFace {
            track: track.id(),
            smoothed: track.smoothed().to_vec(),
        }
    }
}
