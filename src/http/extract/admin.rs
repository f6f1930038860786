//! The extractor of admin handlers: it authorizes the request.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN},
    web,
};

use crate::{
    auth::{AdminAuth, AuthError},
    http::ApiError,
};

/// Proof that the request is authorized as an admin request.
pub struct Admin(());

impl FromRequest for Admin {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authorize(request).map(Self).map_err(ApiError::from))
    }
}

fn authorize(request: &HttpRequest) -> Result<(), AuthError> {
    let auth = request
        .app_data::<web::Data<AdminAuth>>()
        .expect("the app has the authorization of its listener");
    let header = |name: HeaderName| request.headers().get(name);
    auth.authorize(header(AUTHORIZATION).map(|value| value.as_bytes()))?;
    let Some(origin) = header(ORIGIN) else {
        return Ok(());
    };
    // Over HTTP/2 the host is part of the URI.
    let host = request
        .uri()
        .authority()
        .map(|authority| authority.as_str());
    let host = host.or_else(|| header(HOST).and_then(|host| host.to_str().ok()));
    auth.check_origin(
        origin.to_str().unwrap_or_default(),
        host.unwrap_or_default(),
    )
}
