//! Authentication of admin requests: requests that change what the server serves or stores.

use std::{net::SocketAddr, sync::Arc};

use subtle::ConstantTimeEq;

/// Minimum length of a token in characters. A shorter token could be guessed.
const MIN_TOKEN_LENGTH: usize = 16;

/// The secret of an administrator.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken(Arc<str>);

impl AdminToken {
    /// Returns the value of the `Authorization` header for this token.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

/// The text is not a valid token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an admin token must have at least {MIN_TOKEN_LENGTH} characters, all visible ASCII")]
pub struct InvalidToken;

impl std::str::FromStr for AdminToken {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() < MIN_TOKEN_LENGTH || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidToken);
        }
        Ok(Self(text.into()))
    }
}

impl std::fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminToken(..)")
    }
}

/// Why an admin request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The token is missing or wrong.
    #[error("this request needs the admin token of the server: send `Authorization: Bearer TOKEN`")]
    Unauthorized,
    /// The server listens on a non-loopback address without a token, so every client could send admin requests.
    #[error(
        "the admin API is disabled, because the server listens on a non-loopback address without a token; set MIEN_ADMIN_TOKEN"
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

/// The parts of an admin request that its authorization depends on.
#[derive(Debug, Clone, Copy, Default)]
pub struct AdminRequest<'a> {
    /// The `Authorization` header.
    pub authorization: Option<&'a [u8]>,
    /// The `Origin` header of a browser: `scheme://host:port`.
    pub origin: Option<&'a str>,
    /// The `Host` header, or the authority of the URI. `None` if they are missing, invalid or contradictory.
    pub host: Option<&'a str>,
    /// Whether one of the headers is [forwarding](is_forwarding).
    pub is_forwarded: bool,
}

/// Authorizes the admin requests of one listener. With a token, requests must carry it. Without a token, requests are
/// accepted on loopback listeners only, and only from clients on this machine.
#[derive(Debug, Clone)]
pub struct AdminAuth {
    token: Option<AdminToken>,
    is_loopback: bool,
}

impl AdminAuth {
    /// Creates the authorization of a listener.
    pub fn new(token: Option<AdminToken>, listener: SocketAddr) -> Self {
        Self {
            token,
            is_loopback: listener.ip().is_loopback(),
        }
    }

    /// Checks a request. With a token, only the token matters, because neither a foreign page nor another machine has it.
    ///
    /// # Errors
    /// Returns why the request is rejected.
    pub fn authorize(&self, request: &AdminRequest<'_>) -> Result<(), AuthError> {
        match &self.token {
            None if self.is_loopback => check_local(request),
            None => Err(AuthError::Disabled),
            Some(AdminToken(token)) => {
                let given = request.authorization.and_then(bearer).unwrap_or_default();
                // The comparison takes the same time for all tokens of one length.
                let equal = bool::from(given.ct_eq(token.as_bytes()));
                if equal {
                    Ok(())
                } else {
                    Err(AuthError::Unauthorized)
                }
            }
        }
    }
}

/// Checks that a client on this machine sent the request itself. The host must be a loopback name, because any other name may
/// have been pointed at this host by DNS rebinding, or is that of a reverse proxy. The origin of a browser must be the server.
fn check_local(request: &AdminRequest<'_>) -> Result<(), AuthError> {
    let host = request
        .host
        .filter(|host| is_local(host))
        .ok_or(AuthError::NotLocal)?;
    if request.is_forwarded {
        return Err(AuthError::Forwarded);
    }
    let is_own = |origin: &str| {
        origin
            .split_once("://")
            .is_some_and(|(_, origin)| origin == host)
    };
    if request.origin.is_none_or(is_own) {
        Ok(())
    } else {
        Err(AuthError::CrossOrigin)
    }
}

/// Headers that proxies add, in addition to those that begin with [`FORWARDED_PREFIX`].
const FORWARDING_HEADERS: [&str; 11] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "x-original-host",
    "x-envoy-external-address",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
];

/// Start of the names of further headers that proxies add.
const FORWARDED_PREFIX: &str = "x-forwarded";

/// Returns whether a proxy adds the header with this lower-case name.
pub fn is_forwarding(header: &str) -> bool {
    header.starts_with(FORWARDED_PREFIX) || FORWARDING_HEADERS.contains(&header)
}

/// Returns the token of `Bearer TOKEN`.
fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = authorization.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
}

/// Returns whether a host, with or without port, is a loopback name or address.
fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests;
