//! The response of `/v1/faces`.

use mien_faces::detection::{Detection, Quality};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    detection::{FoundFace, PhotoFaces},
    http::{error::image::ImageProblem, response::LabelPrediction},
    intake::decoder::ImageDecodeError,
    models::ModelVersion,
};

/// The faces of the photos of a request, in the order of the photos.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Faces<'a> {
    /// Name of the model.
    #[schema(example = "student")]
    pub(super) model: &'a str,
    /// Version of the model.
    #[schema(value_type = String, example = "1")]
    pub(super) version: ModelVersion,
    /// One entry per photo.
    pub(super) images: Vec<PhotoResult<'a>>,
}

/// The result of one photo.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum PhotoResult<'a> {
    /// The photo was searched.
    #[schema(title = "Success")]
    Success {
        /// Columns of the photo after its EXIF orientation.
        #[schema(example = 512)]
        width: usize,
        /// Rows of the photo after its EXIF orientation.
        #[schema(example = 512)]
        height: usize,
        /// The faces, largest first.
        faces: Vec<ClassifiedFace<'a>>,
    },
    /// The error of this photo; other photos of the request have faces.
    #[schema(title = "Failure")]
    Failure {
        /// Description of the error.
        error: ImageProblem,
    },
}

/// A face in a photo.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::routes) struct ClassifiedFace<'a> {
    #[serde(flatten)]
    detection: Detection,
    quality: Quality,
    #[serde(flatten)]
    prediction: LabelPrediction<'a>,
}

impl<'a> ClassifiedFace<'a> {
    /// Creates a face with its prediction.
    pub(in crate::http::routes) fn new(
        FoundFace { detection, quality }: FoundFace,
        prediction: LabelPrediction<'a>,
    ) -> Self {
        Self {
            detection,
            quality,
            prediction,
        }
    }
}

impl<'a> PhotoResult<'a> {
    /// Creates the result of a photo. Takes the prediction of each of its faces.
    pub(super) fn new(
        photo: Result<PhotoFaces, ImageDecodeError>,
        predictions: &mut impl Iterator<Item = LabelPrediction<'a>>,
    ) -> Self {
        let PhotoFaces {
            width,
            height,
            faces,
            ..
        } = match photo {
            Ok(photo) => photo,
            Err(error) => {
                return Self::Failure {
                    error: error.into(),
                };
            }
        };
        let faces = faces.into_iter().zip(predictions);
        Self::Success {
            width,
            height,
            faces: faces
                .map(|(found, prediction)| ClassifiedFace::new(found, prediction))
                .collect(),
        }
    }
}
