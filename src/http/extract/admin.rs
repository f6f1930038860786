//! The extractor of admin handlers: it authorizes the request.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{AUTHORIZATION, HOST, ORIGIN},
    web,
};

use crate::{
    auth::{AdminAuth, AdminRequest, AuthError, is_forwarding},
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
    let headers = request.headers();
    let origin = headers.get(ORIGIN);
    auth.authorize(&AdminRequest {
        authorization: headers.get(AUTHORIZATION).map(|value| value.as_bytes()),
        origin: origin.map(|origin| origin.to_str().unwrap_or_default()),
        host: host(request),
        is_forwarded: headers.keys().any(|name| is_forwarding(name.as_str())),
    })
}

/// Returns the host if all headers and the URI name the same one. The absolute form of a request target contains the host.
fn host(request: &HttpRequest) -> Option<&str> {
    let authority = request.uri().authority();
    let headers = request.headers().get_all(HOST);
    let mut hosts = headers
        .map(|host| host.to_str().unwrap_or_default())
        .chain(authority.map(|authority| authority.as_str()));
    let first = hosts.next()?;
    hosts.all(|host| host == first).then_some(first)
}
