//! The responses of `/v1/classify` and `/v1/faces`.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use mien_faces::image::BoundingBox;
use serde::Deserialize;

use crate::{
    cli::classify::{
        inputs::Entry,
        result::{FileResult, LocatedFace, ModelId, Outcome},
    },
    inference::Probabilities,
};

/// The response to one or more images.
#[derive(Debug, Deserialize)]
pub(super) struct Response {
    #[serde(flatten)]
    model: ModelId,
    #[serde(alias = "predictions")]
    images: Vec<Item>,
}

/// The result of one image.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Item {
    Failure { error: Problem },
    Photo { faces: Vec<Face> },
    Face(Labels),
}

/// A face in a photo.
#[derive(Debug, Deserialize)]
struct Face {
    #[serde(rename = "box")]
    face_box: BoundingBox,
    score: f32,
    #[serde(flatten)]
    labels: Labels,
}

/// The probability of each label.
#[derive(Debug, Deserialize)]
struct Labels {
    probabilities: BTreeMap<String, f32>,
}

/// An error of the server.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Problem {
    /// Code for programs.
    #[serde(default)]
    pub(super) code: String,
    /// Description of the error.
    #[serde(default)]
    pub(super) detail: String,
}

/// The result of an image without the name of its file.
#[derive(Debug)]
pub(super) struct ImageResult {
    model: Option<ModelId>,
    outcome: Outcome,
}

impl ImageResult {
    /// Creates the result of an image that the server rejects.
    pub(super) fn failure(detail: String) -> Self {
        Self {
            model: None,
            outcome: Outcome::Failure(detail),
        }
    }

    /// Adds the file.
    pub(super) fn of(self, entry: Entry) -> FileResult {
        FileResult::new(entry, self.model, self.outcome)
    }
}

impl Response {
    /// Returns the results of `count` images, with the probabilities in the order of `labels`.
    ///
    /// # Errors
    /// Returns an error if the response has another number of images or other labels.
    pub(super) fn results(
        self,
        count: usize,
        labels: &[String],
    ) -> anyhow::Result<Vec<ImageResult>> {
        let Self { model, images } = self;
        ensure!(
            images.len() == count,
            "the server returned {} results for {count} images",
            images.len()
        );
        let result = |item| -> anyhow::Result<ImageResult> {
            let outcome = match item {
                Item::Failure { error } => return Ok(ImageResult::failure(error.detail)),
                Item::Photo { faces } => {
                    let faces = faces.into_iter().map(|face| face.located(labels));
                    Outcome::Faces(faces.collect::<anyhow::Result<_>>()?)
                }
                Item::Face(face) => Outcome::Face(face.probabilities(labels)?),
            };
            Ok(ImageResult {
                model: Some(model.clone()),
                outcome,
            })
        };
        images.into_iter().map(result).collect()
    }
}

impl Face {
    fn located(self, labels: &[String]) -> anyhow::Result<LocatedFace> {
        Ok(LocatedFace {
            face_box: self.face_box,
            score: self.score,
            probabilities: self.labels.probabilities(labels)?,
            track: None,
        })
    }
}

impl Labels {
    fn probabilities(&self, labels: &[String]) -> anyhow::Result<Probabilities> {
        let row: Option<Vec<f32>> = labels
            .iter()
            .map(|label| self.probabilities.get(label).copied())
            .collect();
        let row = row.filter(|row| row.len() == self.probabilities.len());
        let row = row.context("the server now uses a model with other labels")?;
        Probabilities::new(&row).context("the probabilities of the server are invalid")
    }
}
