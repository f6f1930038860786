//! The client of a request, and the parts of a request that its authorization depends on.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{AUTHORIZATION, HOST, ORIGIN},
};

use crate::{
    auth::{Client, ClientRequest, is_cross_site, is_forwarding},
    http::{ApiError, headers::API_KEY},
};

/// Header with which browsers describe the origin of a request.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// The client that the middleware has authorized.
pub struct ApiClient(pub(in crate::http) Client);

impl FromRequest for ApiClient {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let client = request.extensions().get::<Client>().cloned();
        let missing = || ApiError::internal("the route does not authorize its clients");
        ready(client.map(Self).ok_or_else(missing))
    }
}

/// Returns the parts of a request that its authorization depends on. `websocket_token` is that of
/// [`websocket_token`](super::websocket_token).
pub(in crate::http) fn client_request<'a>(
    request: &'a HttpRequest,
    websocket_token: Option<&'a [u8]>,
) -> ClientRequest<'a> {
    let headers = request.headers();
    let origin = headers.get(ORIGIN);
    ClientRequest {
        authorization: headers.get(AUTHORIZATION).map(|value| value.as_bytes()),
        api_key: headers.get(API_KEY).map(|value| value.as_bytes()),
        websocket_token,
        origin: origin.map(|origin| origin.to_str().unwrap_or_default()),
        host: host(request),
        is_cross_site: headers
            .get(SEC_FETCH_SITE)
            .is_some_and(|site| is_cross_site(site.as_bytes())),
        is_forwarded: headers.keys().any(|name| is_forwarding(name.as_str())),
    }
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
