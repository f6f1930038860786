//! The middleware of a route that authorizes its requests before their body is read.

use actix_web::{
    Error, HttpMessage,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};

use super::{
    ApiError,
    extract::{client_request, websocket_token},
};
use crate::auth::{Access, Authorizer};

/// Authorizes a request of a route. The client becomes an extension of the request.
///
/// # Errors
/// Returns the errors of the handler. A rejected request has an error response.
pub(super) async fn authorize(
    access: Access,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let authorizer = request
        .app_data::<web::Data<Authorizer>>()
        .expect("the app has the authorization of its listener");
    let token = websocket_token(request.headers());
    let client = client_request(request.request(), token.as_deref());
    match authorizer.authorize(access, &client) {
        Ok(client) => {
            request.extensions_mut().insert(client);
            next.call(request).await
        }
        Err(error) => Ok(request.error_response(ApiError::from(error))),
    }
}
