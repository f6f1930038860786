//! The messages of the server.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    http::{
        ApiError,
        error::{Code, image::ImageProblem},
        response::LabelPrediction,
        routes::faces::ClassifiedFace,
    },
    models::ModelVersion,
};

/// The result of one frame.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LiveFrame<'a> {
    /// Index of the frame among the received ones, from 0.
    #[schema(example = 41)]
    pub(super) frame: u64,
    /// Number of frames that were dropped since the connection was opened, because a newer frame arrived first.
    #[schema(example = 3)]
    pub(super) dropped: u64,
    /// Time in milliseconds since the frame was received.
    #[schema(example = 18.2)]
    pub(super) duration_ms: f64,
    #[serde(flatten)]
    pub(super) result: FrameResult<'a>,
}

/// The faces of a frame or its error.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum FrameResult<'a> {
    /// The frame was analysed.
    #[schema(title = "Success")]
    Success {
        /// Name of the model.
        #[schema(example = "student")]
        model: &'a str,
        /// Version of the model.
        #[schema(value_type = String, example = "1")]
        version: ModelVersion,
        /// Columns of the frame after its EXIF orientation.
        #[schema(example = 640)]
        width: usize,
        /// Rows of the frame after its EXIF orientation.
        #[schema(example = 480)]
        height: usize,
        /// The faces, largest first.
        faces: Vec<LiveFace<'a>>,
    },
    /// The frame was not analysed.
    #[schema(title = "Failure")]
    Failure {
        /// Description of the error.
        error: FrameProblem,
    },
}

/// A face in a frame.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LiveFace<'a> {
    /// Identifier of the face in consecutive frames, from 1.
    #[schema(example = 1)]
    pub(super) track: u64,
    #[serde(flatten)]
    pub(super) face: ClassifiedFace<'a>,
    /// The prediction from the smoothed probabilities of the track.
    pub(super) smoothed: LabelPrediction<'a>,
}

/// Why a frame was not analysed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FrameProblem {
    /// A code of `/v1/faces`.
    code: Code,
    /// Description of the error.
    #[schema(example = "invalid JPEG image: the file is truncated")]
    detail: String,
}

impl From<ImageProblem> for FrameProblem {
    fn from(ImageProblem { code, detail }: ImageProblem) -> Self {
        Self { code, detail }
    }
}

impl From<ApiError> for FrameProblem {
    /// Logs the reason of an internal error, which is not sent to the client.
    fn from(error: ApiError) -> Self {
        error.log_internal();
        Self {
            code: error.code(),
            detail: error.detail().to_owned(),
        }
    }
}
