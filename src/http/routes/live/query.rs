//! The query parameters of `/v1/live`: those of `/v1/faces` and the smoothing.

use actix_web::web::Query;
use mien_faces::tracking::Smoothing;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::{ApiError, routes::faces::FacesQuery};

/// Name of the parameter that `/v1/faces` does not have.
const SMOOTHING: &str = "smoothing";

/// The query parameter of `/v1/live` that `/v1/faces` does not have.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SmoothingQuery {
    /// Weight of the previous frames in the smoothed probabilities, from 0 to less than 1; by default 0.5. With 0 they are the
    /// probabilities of the frame.
    #[param(minimum = 0.0, exclusive_maximum = 1.0, example = 0.5)]
    smoothing: Option<f32>,
}

/// The query parameters of a live connection.
pub(super) struct LiveQuery {
    /// Model, labels and search.
    pub(super) faces: FacesQuery,
    /// Smoothing of the probabilities.
    pub(super) smoothing: Smoothing,
}

impl LiveQuery {
    /// Parses a query string.
    ///
    /// # Errors
    /// Returns an error for an unknown parameter or a wrong value.
    pub(super) fn parse(query: &str) -> Result<Self, ApiError> {
        let pairs = form_urlencoded::parse(query.as_bytes());
        let (own, faces): (Vec<_>, Vec<_>) = pairs.partition(|(name, _)| name == SMOOTHING);
        let encode = |pairs: Vec<_>| {
            let mut text = form_urlencoded::Serializer::new(String::new());
            text.extend_pairs(pairs).finish()
        };
        let Query(SmoothingQuery { smoothing }) = Query::from_query(&encode(own))?;
        let Query(faces) = Query::from_query(&encode(faces))?;
        let smoothing = smoothing.map(Smoothing::new).transpose();
        let smoothing =
            smoothing.map_err(|error| ApiError::invalid_request(format!("query: {error}")))?;
        Ok(Self {
            faces,
            smoothing: smoothing.unwrap_or_default(),
        })
    }
}
