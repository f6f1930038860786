//! The credentials of operations in the OpenAPI document.

use utoipa::openapi::{
    Components,
    path::Operation,
    security::{
        ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
    },
};

use crate::auth::{Access, Scope};

/// Name of the scheme with the header `Authorization`.
const BEARER: &str = "bearer";
/// Name of the scheme with the header `X-API-Key`.
const API_KEY: &str = "apiKey";

/// Adds the schemes that operations refer to.
pub(super) fn add_schemes(components: &mut Components) {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API key or the admin token of the server."));
    let key = ApiKeyValue::with_description("X-API-Key", "An API key of the server.");
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
    components.add_security_scheme(API_KEY, SecurityScheme::ApiKey(ApiKey::Header(key)));
}

/// Adds the credentials and the scopes of an operation. They are optional, because a server without API keys does not require them.
pub(super) fn add_credentials(operation: &mut Operation, access: Access) {
    let (Access::Key(scopes) | Access::Admin(scopes)) = access else {
        return;
    };
    let names = || scopes.iter().map(|scope: &Scope| scope.name());
    operation.security = Some(vec![
        SecurityRequirement::new(BEARER, names()),
        SecurityRequirement::new(API_KEY, names()),
        SecurityRequirement::default(),
    ]);
}
