//! The results of files, and the rows of which an output consists.

use mien_faces::image::BoundingBox;
use serde::{Deserialize, Serialize};

use super::inputs::{Entry, Frame};
use crate::inference::Probabilities;

/// The model of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ModelId {
    /// Name of the model.
    pub(super) model: String,
    /// Version of the model.
    pub(super) version: String,
}

/// The result of one file.
#[derive(Debug)]
pub(super) struct FileResult {
    /// Path of the file.
    pub(super) file: String,
    /// The frame, if the file is a video.
    pub(super) frame: Option<Frame>,
    /// The model, or `None` if no model has seen the file.
    pub(super) model: Option<ModelId>,
    /// The result.
    pub(super) outcome: Outcome,
}

/// The result of a file without its name.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The whole image is one face.
    Face(Probabilities),
    /// The faces in a photo, largest first.
    Faces(Vec<LocatedFace>),
    /// Why the file cannot be read.
    Failure(String),
}

/// A face in a photo.
#[derive(Debug)]
pub(super) struct LocatedFace {
    /// The rectangle of the face.
    pub(super) face_box: BoundingBox,
    /// Confidence of the detector, 0 to 1.
    pub(super) score: f32,
    /// Probabilities of the labels.
    pub(super) probabilities: Probabilities,
    /// The track of the face in a video.
    pub(super) track: Option<Track>,
}

/// The track of a face in a video.
#[derive(Debug)]
pub(super) struct Track {
    /// Identifier, from 1.
    pub(super) id: u64,
    /// Probabilities of the labels, smoothed over the frames of the track.
    pub(super) smoothed: Probabilities,
}

/// A row of an output: a file, or a face in a photo.
#[derive(Debug)]
pub(super) struct Row<'a> {
    /// Path of the file.
    pub(super) file: &'a str,
    /// The frame of a video.
    pub(super) frame: Option<&'a Frame>,
    /// Number of the face in the photo, from 1.
    pub(super) face: Option<usize>,
    /// Number of faces in the photo.
    pub(super) faces: Option<usize>,
    /// Rectangle and score of the face.
    pub(super) location: Option<(BoundingBox, f32)>,
    /// Probabilities of the labels.
    pub(super) probabilities: Option<&'a Probabilities>,
    /// The track of the face in a video.
    pub(super) track: Option<&'a Track>,
    /// Why the file cannot be read.
    pub(super) error: Option<&'a str>,
    /// The model.
    pub(super) model: Option<&'a ModelId>,
}

impl FileResult {
    /// Creates the result of a file.
    pub(super) fn new(entry: Entry, model: Option<ModelId>, outcome: Outcome) -> Self {
        Self {
            file: entry.name(),
            frame: entry.frame,
            model,
            outcome,
        }
    }

    /// Creates the result of a file that cannot be read.
    pub(super) fn failure(entry: Entry, error: String) -> Self {
        Self::new(entry, None, Outcome::Failure(error))
    }

    /// Returns whether the file cannot be read.
    pub(super) fn is_failure(&self) -> bool {
        matches!(self.outcome, Outcome::Failure(_))
    }

    /// Returns the rows: one per face, and one for a photo without faces or an unreadable file.
    pub(super) fn rows(&self) -> Vec<Row<'_>> {
        let empty = || Row {
            file: &self.file,
            frame: self.frame.as_ref(),
            face: None,
            faces: None,
            location: None,
            probabilities: None,
            track: None,
            error: None,
            model: self.model.as_ref(),
        };
        match &self.outcome {
            Outcome::Face(probabilities) => vec![Row {
                probabilities: Some(probabilities),
                ..empty()
            }],
            Outcome::Failure(error) => vec![Row {
                error: Some(error),
                ..empty()
            }],
            Outcome::Faces(faces) if faces.is_empty() => vec![Row {
                faces: Some(0),
                ..empty()
            }],
            Outcome::Faces(faces) => faces
                .iter()
                .enumerate()
                .map(|(index, face)| Row {
                    face: Some(index + 1),
                    faces: Some(faces.len()),
                    location: Some((face.face_box, face.score)),
                    probabilities: Some(&face.probabilities),
                    track: face.track.as_ref(),
                    ..empty()
                })
                .collect(),
        }
    }
}
