//! The table of error codes: code -> name, status, title, description.

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Error codes for programs. Codes are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the table below describes each code")]
pub enum Code {
    InvalidImage,
    Unsupported,
    InvalidRequest,
    UnsupportedAction,
    NoFace,
    Unauthorized,
    Forbidden,
    UnknownModel,
    UnknownVersion,
    UnknownDataset,
    UnknownEvaluation,
    UnknownPromotion,
    UnknownShadow,
    UnknownImage,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    RequestTimeout,
    Conflict,
    NotComparable,
    InvalidModel,
    ShadowNotPassed,
    TooLarge,
    UnsupportedMediaType,
    RateLimited,
    Internal,
    Overloaded,
    ShuttingDown,
    ModelLoading,
    DetectorMissing,
    DeadlineExceeded,
    InferenceTimeout,
}

/// A row of the table.
struct Row {
    name: &'static str,
    status: StatusCode,
    title: &'static str,
    description: &'static str,
}

const fn row(
    name: &'static str,
    status: StatusCode,
    title: &'static str,
    description: &'static str,
) -> Row {
    Row {
        name,
        status,
        title,
        description,
    }
}

impl Code {
    #[rustfmt::skip]
    fn row(self) -> Row {
        use StatusCode as S;
        match self {
            Self::InvalidImage => row("invalid_image", S::BAD_REQUEST, "Invalid image",
                "an image cannot be decoded"),
            Self::Unsupported => row("unsupported", S::BAD_REQUEST, "Unsupported image",
                "the format of an image, or this kind of file, is not supported"),
            Self::InvalidRequest => row("invalid_request", S::BAD_REQUEST, "Invalid request",
                "the query, a header, the JSON or the form is invalid"),
            Self::UnsupportedAction => row("unsupported_action", S::BAD_REQUEST, "Unsupported action",
                "an action of `/analyze` is not `emotion`"),
            Self::NoFace => row("no_face", S::BAD_REQUEST, "No face",
                "the image has no face, and `enforce_detection` is true"),
            Self::Unauthorized => row("unauthorized", S::UNAUTHORIZED, "Unauthorized",
                "the API key or the admin token is missing or wrong"),
            Self::Forbidden => row("forbidden", S::FORBIDDEN, "Forbidden",
                "the API key does not have the scope, the admin API is disabled, the `Host` is foreign, or the request is from a page of another origin or, without an admin token, from a proxy"),
            Self::UnknownModel => row("unknown_model", S::NOT_FOUND, "Unknown model",
                "the model is unknown"),
            Self::UnknownVersion => row("unknown_version", S::NOT_FOUND, "Unknown version",
                "the version is not loaded"),
            Self::UnknownDataset => row("unknown_dataset", S::NOT_FOUND, "Unknown data set",
                "the data set is unknown"),
            Self::UnknownEvaluation => row("unknown_evaluation", S::NOT_FOUND, "Unknown evaluation",
                "the evaluation is unknown"),
            Self::UnknownPromotion => row("unknown_promotion", S::NOT_FOUND, "Unknown promotion",
                "the model has no promotion with this identifier"),
            Self::UnknownShadow => row("unknown_shadow", S::NOT_FOUND, "Unknown shadow",
                "the server has not run a shadow of the model since its start"),
            Self::UnknownImage => row("unknown_image", S::NOT_FOUND, "Unknown image",
                "the image is unknown, or its file was removed or is damaged"),
            Self::NotFound => row("not_found", S::NOT_FOUND, "Not found",
                "no route matches the path"),
            Self::MethodNotAllowed => row("method_not_allowed", S::METHOD_NOT_ALLOWED, "Method not allowed",
                "the path does not support the method; `Allow` lists the supported ones"),
            Self::NotAcceptable => row("not_acceptable", S::NOT_ACCEPTABLE, "Not acceptable",
                "`Accept` matches no available media type"),
            Self::RequestTimeout => row("request_timeout", S::REQUEST_TIMEOUT, "Request timeout",
                "the body was not received in time"),
            Self::Conflict => row("conflict", S::CONFLICT, "Conflict",
                "the request conflicts with the current state"),
            Self::NotComparable => row("not_comparable", S::CONFLICT, "Not comparable",
                "the evaluations have no image in common or used different data, or the versions of a shadow have different labels or input sizes"),
            Self::InvalidModel => row("invalid_model", S::CONFLICT, "Invalid model",
                "the files of the model cannot be served"),
            Self::ShadowNotPassed => row("shadow_not_passed", S::CONFLICT, "Shadow not passed",
                "the shadow of the candidate does not meet the criterion of the promotion"),
            Self::TooLarge => row("too_large", S::PAYLOAD_TOO_LARGE, "Too large",
                "too many bytes, pixels or images"),
            Self::UnsupportedMediaType => row("unsupported_media_type", S::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type",
                "the server does not support this `Content-Type` or `Content-Encoding`"),
            Self::RateLimited => row("rate_limited", S::TOO_MANY_REQUESTS, "Rate limited",
                "a limit of the API key is exhausted; retry after `Retry-After`"),
            Self::Internal => row("internal", S::INTERNAL_SERVER_ERROR, "Internal error",
                "the server failed"),
            Self::Overloaded => row("overloaded", S::SERVICE_UNAVAILABLE, "Overloaded",
                "the queue is full or another limit is exhausted; retry after `Retry-After`"),
            Self::ShuttingDown => row("shutting_down", S::SERVICE_UNAVAILABLE, "Shutting down",
                "the server is shutting down; send requests to another replica"),
            Self::ModelLoading => row("model_loading", S::SERVICE_UNAVAILABLE, "Model loading",
                "the model is being loaded; retry after `Retry-After`"),
            Self::DetectorMissing => row("detector_missing", S::SERVICE_UNAVAILABLE, "Detector missing",
                "the face detector is not installed"),
            Self::DeadlineExceeded => row("deadline_exceeded", S::GATEWAY_TIMEOUT, "Deadline exceeded",
                "the deadline passed before the response"),
            Self::InferenceTimeout => row("inference_timeout", S::GATEWAY_TIMEOUT, "Inference timeout",
                "the model did not finish an inference within `--inference-timeout`"),
        }
    }

    /// Returns the name in bodies.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns the status of the response.
    pub fn status(self) -> StatusCode {
        self.row().status
    }

    /// Returns the title of a problem.
    pub(super) fn title(self) -> &'static str {
        self.row().title
    }

    /// Returns when the error occurs, for the API reference.
    pub(in crate::http) fn description(self) -> &'static str {
        self.row().description
    }
}
