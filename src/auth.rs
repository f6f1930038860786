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
    /// A browser sent the request for a page of another origin.
    #[error("admin requests from web pages of other origins are rejected")]
    CrossOrigin,
}

/// Authorizes the admin requests of one listener. With a token, requests must carry it. Without a token, requests are
/// accepted on loopback listeners only.
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

    /// Checks a request with this `Authorization` header.
    ///
    /// # Errors
    /// Returns [`AuthError::Unauthorized`] or [`AuthError::Disabled`].
    pub fn authorize(&self, authorization: Option<&[u8]>) -> Result<(), AuthError> {
        match &self.token {
            None if self.is_loopback => Ok(()),
            None => Err(AuthError::Disabled),
            Some(AdminToken(token)) => {
                let given = authorization.and_then(bearer).unwrap_or_default();
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

    /// Checks the origin (`scheme://host:port`) of a browser's request against `host`, the name under which the browser
    /// reached this server. With a token the origin does not matter, because a foreign page does not have the token.
    /// Without one the origin must be this server under a loopback name, because any other name may have been pointed at
    /// this host by DNS rebinding.
    ///
    /// # Errors
    /// Returns [`AuthError::CrossOrigin`].
    pub fn check_origin(&self, origin: &str, host: &str) -> Result<(), AuthError> {
        let same = origin
            .split_once("://")
            .is_some_and(|(_, origin)| origin == host);
        if self.token.is_some() || (same && is_local(host)) {
            Ok(())
        } else {
            Err(AuthError::CrossOrigin)
        }
    }
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
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: &str = "127.0.0.1:8080";
    const PUBLIC: &str = "0.0.0.0:8080";

    fn auth(token: Option<&str>, listener: &str) -> AdminAuth {
        let token = token.map(|token| token.parse().unwrap());
        AdminAuth::new(token, listener.parse().unwrap())
    }

    #[test]
    fn only_correct_token_is_authorized() {
        let auth = auth(Some("0123456789abcdef"), LOCAL);
        for right in ["Bearer 0123456789abcdef", "bearer 0123456789abcdef"] {
            assert_eq!(auth.authorize(Some(right.as_bytes())), Ok(()));
        }
        let wrong = [
            "",
            "Bearer",
            "Bearer ",
            "Bearer 0123456789abcdeF",
            "Basic 0123456789abcdef",
        ];
        for wrong in wrong
            .into_iter()
            .chain(["0123456789abcdef", "Bearer 0123456789abcdef0"])
        {
            assert_eq!(
                auth.authorize(Some(wrong.as_bytes())),
                Err(AuthError::Unauthorized),
                "{wrong}"
            );
        }
        assert_eq!(auth.authorize(None), Err(AuthError::Unauthorized));
        assert_eq!(
            auth.check_origin("https://faces.example", "faces.example"),
            Ok(())
        );
    }

    #[test]
    fn missing_token_authorizes_loopback_only() {
        assert_eq!(auth(None, LOCAL).authorize(None), Ok(()));
        assert_eq!(auth(None, "[::1]:0").authorize(None), Ok(()));
        assert_eq!(auth(None, PUBLIC).authorize(None), Err(AuthError::Disabled));
    }

    #[test]
    fn missing_token_requires_same_loopback_origin() {
        let auth = auth(None, LOCAL);
        for host in [
            "localhost:8080",
            "127.0.0.1:8080",
            "[::1]:8080",
            "localhost",
        ] {
            assert_eq!(
                auth.check_origin(&format!("http://{host}"), host),
                Ok(()),
                "{host}"
            );
        }
        for (origin, host) in [
            ("http://evil.example", LOCAL),
            ("http://localhost:3000", "localhost:8080"),
            ("null", LOCAL),
            // A foreign name that resolves to this host.
            ("http://evil.example:8080", "evil.example:8080"),
        ] {
            assert_eq!(
                auth.check_origin(origin, host),
                Err(AuthError::CrossOrigin),
                "{origin} {host}"
            );
        }
    }

    #[test]
    fn short_or_non_ascii_tokens_are_invalid() {
        for weak in [
            "",
            "short",
            "fifteen letters",
            "sixteen with spaces",
            "sechzehn-buchstäben",
        ] {
            assert_eq!(
                weak.parse::<AdminToken>().unwrap_err(),
                InvalidToken,
                "{weak}"
            );
        }
        let token: AdminToken = "0123456789abcdef".parse().unwrap();
        assert_eq!(format!("{token:?}"), "AdminToken(..)");
        assert_eq!(token.bearer(), "Bearer 0123456789abcdef");
    }
}
