//! The layer that authorizes calls before their messages are read.

use std::task::{Context, Poll};

use futures_util::{FutureExt, future::BoxFuture};
use tonic::{
    Status,
    body::Body,
    codegen::{
        Service,
        http::{
            Request, Response,
            header::{AUTHORIZATION, HOST, ORIGIN},
        },
    },
};
use tower_layer::Layer;

use super::calls;
use crate::auth::{Access, Authorizer, Client, ClientRequest, is_cross_site, is_forwarding};

/// Metadata key of an API key, for clients that cannot send `authorization`.
const API_KEY: &str = "x-api-key";

/// Metadata key with which browsers describe the origin of a call.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Authorizes the calls of a service. The client becomes an extension of the request.
#[derive(Clone)]
pub(super) struct AuthorizationLayer {
    pub(super) authorizer: Authorizer,
    /// Whether admin calls are available.
    pub(super) serves_admin: bool,
}

impl<S> Layer<S> for AuthorizationLayer {
    type Service = AuthorizationService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthorizationService {
            inner,
            layer: self.clone(),
        }
    }
}

impl AuthorizationLayer {
    fn authorize<B>(&self, access: Access, call: &Request<B>) -> Result<Client, Status> {
        if !self.serves_admin && matches!(access, Access::Admin(_)) {
            let message =
                "admin calls are not available here; send admin requests to --admin-addr over HTTP";
            return Err(Status::unimplemented(message));
        }
        Ok(self.authorizer.authorize(access, &client_request(call))?)
    }
}

/// A service with authorized calls.
#[derive(Clone)]
pub(super) struct AuthorizationService<S> {
    inner: S,
    layer: AuthorizationLayer,
}

impl<S> Service<Request<Body>> for AuthorizationService<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let access = calls::find(request.uri().path()).access;
        match self.layer.authorize(access, &request) {
            Ok(client) => {
                request.extensions_mut().insert(client);
                self.inner.call(request).boxed()
            }
            Err(status) => std::future::ready(Ok(status.into_http())).boxed(),
        }
    }
}

/// Returns the parts of a call that its authorization depends on.
fn client_request<B>(call: &Request<B>) -> ClientRequest<'_> {
    let headers = call.headers();
    let origin = headers.get(ORIGIN);
    ClientRequest {
        authorization: headers.get(AUTHORIZATION).map(|value| value.as_bytes()),
        api_key: headers.get(API_KEY).map(|value| value.as_bytes()),
        websocket_token: None,
        origin: origin.map(|origin| origin.to_str().unwrap_or_default()),
        host: host(call),
        is_cross_site: headers
            .get(SEC_FETCH_SITE)
            .is_some_and(|site| is_cross_site(site.as_bytes())),
        is_forwarded: headers.keys().any(|name| is_forwarding(name.as_str())),
    }
}

/// Returns the authority of a call, unless a `Host` header contradicts it.
fn host<B>(call: &Request<B>) -> Option<&str> {
    let authority = call.uri().authority()?.as_str();
    let mut hosts = call.headers().get_all(HOST).iter();
    hosts.all(|host| host == authority).then_some(authority)
}
