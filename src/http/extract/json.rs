//! Small JSON bodies. Their time and memory are limited as those of images.

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev, web};
use futures_util::{FutureExt, future::LocalBoxFuture};
use serde::de::DeserializeOwned;

use super::request_times;
use crate::{
    app::AppState,
    excerpt::parser_message,
    http::{ApiError, error::Code},
    intake::body,
};

/// Maximum size of JSON bodies of routes without images, in bytes.
const MAX_BODY: usize = 64 << 10;

/// A JSON body.
pub struct JsonBody<T>(pub(in crate::http) T);

/// A JSON body that may be absent or `null`. Its `Content-Type` is not checked, because clients do not send it.
pub struct OptionalJson<T>(pub(in crate::http) T);

impl<T: DeserializeOwned> FromRequest for JsonBody<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let is_json = is_json(request);
        let body = read(request, payload);
        async move {
            if !is_json {
                let detail = "send Content-Type: application/json";
                return Err(ApiError::new(Code::UnsupportedMediaType, detail));
            }
            parse(&body.await?).map(Self)
        }
        .boxed_local()
    }
}

impl<T: DeserializeOwned + Default> FromRequest for OptionalJson<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let body = read(request, payload);
        async move {
            let body = body.await?;
            if body.trim_ascii().is_empty() {
                return Ok(Self(T::default()));
            }
            let given: Option<T> = parse(&body)?;
            Ok(Self(given.unwrap_or_default()))
        }
        .boxed_local()
    }
}

/// Returns whether the media type is `application/json` or ends with `+json`.
fn is_json(request: &HttpRequest) -> bool {
    let Ok(Some(media_type)) = request.mime_type() else {
        return false;
    };
    media_type.subtype() == mime::JSON || media_type.suffix() == Some(mime::JSON)
}

/// Takes the payload of a request and reads it within the limits.
fn read(
    request: &HttpRequest,
    payload: &mut dev::Payload,
) -> impl Future<Output = Result<web::Bytes, ApiError>> + use<> {
    let payload = web::Payload::from_request(request, payload);
    let request = request.clone();
    async move {
        let state = request
            .app_data::<web::Data<AppState>>()
            .expect("the app has its state");
        let payload = payload.await.map_err(ApiError::internal)?;
        let times = request_times(&request, state.limits.request_timeout)?;
        body::uncompressed(&request)?;
        let reservation = state.intake.memory.reservation();
        let body = state
            .intake
            .body(&request, payload, MAX_BODY, reservation, times);
        Ok(body.await?)
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let parsed = serde_json::from_slice(body);
    parsed.map_err(|error| ApiError::invalid_request(format!("JSON: {}", parser_message(&error))))
}
