//! The query parameters of `/v1/faces`.

use mien_faces::detection::{DetectionOptions, LongSide};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    detection::PhotoOptions,
    http::{ApiError, response::LabelOptions},
    models::registry::LiveModel,
};

/// Query parameters of a search for faces.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FacesQuery {
    /// Name or alias of the model; by default the default model.
    #[param(example = "student")]
    pub(in crate::http::routes) model: Option<String>,
    /// Version of the model; by default the pinned version, otherwise the highest loaded version.
    #[param(example = "1")]
    pub(in crate::http::routes) version: Option<String>,
    /// Returns only the k most probable labels in `probabilities`; by default all.
    #[param(minimum = 1, maximum = 7, example = 3)]
    top_k: Option<usize>,
    /// Minimum probability of a label. Below it `label` is null and `uncertain` is true.
    #[param(minimum = 0.0, maximum = 1.0, example = 0.5)]
    min_confidence: Option<f32>,
    /// Minimum score of a face; by default 0.5. A higher score reduces the number of detections that are not faces.
    #[param(minimum = 0.0, maximum = 1.0, example = 0.5)]
    min_score: Option<f32>,
    /// Minimum size of a face in pixels of the photo, which is the square root of the area of its box; by default 10.
    #[param(minimum = 0.0, example = 10.0)]
    min_size: Option<f32>,
    /// Maximum number of faces of a photo; the largest ones are returned. By default 100. The faces of all photos of a request together
    /// are limited by `--max-faces` (256), of which each photo has an equal share.
    #[param(minimum = 1, example = 100)]
    max_faces: Option<usize>,
    /// Longer side in pixels of the copy of the photo in which the detector searches: 320, 640 or 1280. By default 640. The
    /// detector finds faces of 10 to 300 pixels in this copy.
    #[param(value_type = Option<u32>, example = 640)]
    detector_size: Option<LongSide>,
}

impl FacesQuery {
    /// Returns the options of the labels.
    ///
    /// # Errors
    /// Returns an error for a value out of range.
    pub(in crate::http::routes) fn labels(
        &self,
        model: &LiveModel,
    ) -> Result<LabelOptions, ApiError> {
        LabelOptions::new(self.top_k, self.min_confidence, model)
    }

    /// Returns the options of the search. `max_faces` is the limit of the server, `side` that of the model's input.
    ///
    /// # Errors
    /// Returns an error for a value out of range.
    pub(in crate::http::routes) fn photo(
        &self,
        max_faces: usize,
        side: usize,
    ) -> Result<PhotoOptions, ApiError> {
        let default = DetectionOptions::default();
        let detection = DetectionOptions {
            min_score: self.min_score.unwrap_or(default.min_score),
            min_size: self.min_size.unwrap_or(default.min_size),
            max_faces: self
                .max_faces
                .unwrap_or_else(|| default.max_faces.min(max_faces)),
        };
        let invalid = |name: &str, value: &dyn std::fmt::Display, expected: &str| {
            let detail = format!("query: {name} is {value}; expected {expected}");
            Err(ApiError::invalid_request(detail))
        };
        let DetectionOptions {
            min_score,
            min_size,
            max_faces: faces,
        } = detection;
        if !(0.0..=1.0).contains(&min_score) {
            return invalid("min_score", &min_score, "0 to 1");
        }
        if !(min_size.is_finite() && min_size >= 0.0) {
            return invalid("min_size", &min_size, "a number of pixels from 0");
        }
        if !(1..=max_faces).contains(&faces) {
            let expected = format!("1 to {max_faces} (--max-faces)");
            return invalid("max_faces", &faces, &expected);
        }
        Ok(PhotoOptions {
            long_side: self.detector_size.unwrap_or_default(),
            detection,
            side,
        })
    }
}
