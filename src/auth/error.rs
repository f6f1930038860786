//! Why a request is rejected.

use super::access::Scope;

/// Why a request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The admin token is missing or wrong.
    #[error("this request needs the admin token of the server: send `Authorization: Bearer TOKEN`")]
    Unauthorized,
    /// The request has no API key.
    #[error("this request needs an API key: send `Authorization: Bearer KEY` or `X-API-Key: KEY`")]
    NoKey,
    /// No key of the server has this value.
    #[error("the API key is unknown; it may have been replaced or removed")]
    UnknownKey,
    /// The key does not have one of the scopes.
    #[error("the API key does not have the required scope: {}", names(.0))]
    MissingScope(&'static [Scope]),
    /// The request was sent to a name that the loopback listener does not have, so a foreign web page may have sent it.
    #[error(
        "the server does not accept this `Host`: send the request to `localhost` or a loopback address, or add the name to --allowed-host"
    )]
    ForeignHost,
    /// A web page of another origin sent the request.
    #[error(
        "requests from web pages of other origins are rejected; --cors-origin allows an origin"
    )]
    ForeignOrigin,
    /// The server listens on a non-loopback address without a token, so every client could send admin requests.
    #[error(
        "the admin API is disabled, because the server listens on a non-loopback address without a token; set MIEN_ADMIN_TOKEN or MIEN_API_KEYS"
    )]
    Disabled,
    /// The request was not sent to a loopback name or address, so a proxy may have sent it for another machine.
    #[error(
        "without an admin token, admin requests must be sent to `localhost` or a loopback address; set MIEN_ADMIN_TOKEN to send them to another name"
    )]
    NotLocal,
    /// A proxy sent the request, possibly for another machine.
    #[error(
        "without an admin token, admin requests of proxies are rejected; set MIEN_ADMIN_TOKEN, or send the request directly to the server"
    )]
    Forwarded,
    /// A browser sent the request for a page of another origin.
    #[error("admin requests from web pages of other origins are rejected")]
    CrossOrigin,
}

impl AuthError {
    /// Returns whether other credentials could be accepted (401). Otherwise the request is forbidden (403).
    pub fn is_unauthenticated(self) -> bool {
        match self {
            Self::Unauthorized | Self::NoKey | Self::UnknownKey => true,
            Self::MissingScope(_)
            | Self::ForeignHost
            | Self::ForeignOrigin
            | Self::Disabled
            | Self::NotLocal
            | Self::Forwarded
            | Self::CrossOrigin => false,
        }
    }
}

/// Returns the names of scopes: "`evaluate` or `admin`".
fn names(scopes: &[Scope]) -> String {
    let names = scopes.iter().map(|scope| format!("`{}`", scope.name()));
    names.collect::<Vec<_>>().join(" or ")
}
