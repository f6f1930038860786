//! The features of a classified face.

use mien_faces::image::{Face, FaceStatistics};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::inference::{Input, Prediction};

/// A feature whose distribution is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DriftFeature)]
pub enum Feature {
    /// The most probable label.
    Label,
    /// Probability of the most probable label, 0 to 1.
    Confidence,
    /// Mean gray level of the model's input, 0 black to 255 white.
    Brightness,
    /// Standard deviation of the gray levels of the model's input, 0 to 127.5.
    Contrast,
    /// Variance of the Laplacian of the model's input; low values indicate blur.
    Sharpness,
    /// Geometric mean of width and height of the face in pixels, before it is resized for the model.
    Size,
}

impl Feature {
    /// All features in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::Label,
        Self::Confidence,
        Self::Brightness,
        Self::Contrast,
        Self::Sharpness,
        Self::Size,
    ];

    /// Returns the name in metrics, logs and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Confidence => "confidence",
            Self::Brightness => "brightness",
            Self::Contrast => "contrast",
            Self::Sharpness => "sharpness",
            Self::Size => "size",
        }
    }
}

/// The features of a face that do not depend on its prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceFeatures {
    size: Option<f32>,
    statistics: Option<FaceStatistics>,
}

impl FaceFeatures {
    /// Measures a face. `size` is the geometric mean of its width and height in pixels before it was resized.
    pub fn of_face(face: &Face, size: f32) -> Self {
        Self {
            size: Some(size),
            statistics: Some(face.statistics()),
        }
    }

    /// Returns brightness, contrast and sharpness, or `None` if they were not measured.
    pub fn statistics(&self) -> Option<FaceStatistics> {
        self.statistics
    }

    /// Measures the input of a model. The size is `None` if the client resized the face, and a tensor of scaled values is not measured.
    pub fn of_input(input: &Input, size: Option<f32>) -> Self {
        let statistics = match input {
            Input::Face(face) => Some(face.statistics()),
            Input::Tensor(_) => None,
        };
        Self { size, statistics }
    }
}

/// The features of a classified face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    class: usize,
    confidence: f32,
    face: FaceFeatures,
}

impl Observation {
    /// Combines the features of a face and its prediction.
    pub fn new(face: FaceFeatures, prediction: &Prediction) -> Self {
        let (class, confidence) = prediction.probabilities.top();
        Self {
            class,
            confidence,
            face,
        }
    }

    #[cfg(test)]
    pub(super) fn of_values(
        class: usize,
        confidence: f32,
        statistics: FaceStatistics,
        size: f32,
    ) -> Self {
        Self {
            class,
            confidence,
            face: FaceFeatures {
                size: Some(size),
                statistics: Some(statistics),
            },
        }
    }

    /// Returns the value of a feature, or `None` if it was not measured. The value of the label is its index in the output of the model.
    pub fn value(&self, feature: Feature) -> Option<f32> {
        let statistics = self.face.statistics.as_ref();
        match feature {
            Feature::Label => Some(self.class as f32),
            Feature::Confidence => Some(self.confidence),
            Feature::Brightness => statistics.map(|statistics| statistics.brightness),
            Feature::Contrast => statistics.map(|statistics| statistics.contrast),
            Feature::Sharpness => statistics.map(|statistics| statistics.sharpness),
            Feature::Size => self.face.size,
        }
    }
}
