//! Who may give orders: requests that change what the server serves or remembers.

use std::{net::SocketAddr, sync::Arc};

use subtle::ConstantTimeEq;

/// The fewest characters of a token; a shorter one could be guessed.
const SHORTEST: usize = 16;

/// What a client has to show that gives orders.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken(Arc<str>);

impl AdminToken {
    /// The value of `Authorization` that shows it.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

/// Text that is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a token has at least {SHORTEST} characters, all of them visible ASCII")]
pub struct InvalidToken;

impl std::str::FromStr for AdminToken {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() < SHORTEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
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

/// Why an order is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The right token is not there.
    #[error("orders to this server need its admin token: send `Authorization: Bearer TOKEN`")]
    Unauthorized,
    /// Nobody may, for everybody could.
    #[error(
        "this server listens beyond its own machine and takes no orders; start it with an admin token (MIEN_ADMIN_TOKEN)"
    )]
    Disabled,
    /// A page of another site sent it.
    #[error("orders from pages of other sites are not taken")]
    CrossOrigin,
}

/// Decides about the orders that come through one listener. With a token, whoever shows it may; without one whoever
/// reaches a listener of the machine's own, and nobody otherwise.
#[derive(Debug, Clone)]
pub struct AdminAuth {
    token: Option<AdminToken>,
    local: bool,
}

impl AdminAuth {
    /// The gate of a listener.
    pub fn new(token: Option<AdminToken>, listener: SocketAddr) -> Self {
        Self { token, local: listener.ip().is_loopback() }
    }

    /// Whether an order with this `Authorization` is taken.
    ///
    /// # Errors
    /// When it is not.
    pub fn authorize(&self, authorization: Option<&[u8]>) -> Result<(), AuthError> {
        match &self.token {
            None if self.local => Ok(()),
            None => Err(AuthError::Disabled),
            Some(AdminToken(token)) => {
                let shown = authorization.and_then(bearer).unwrap_or_default();
                // Takes the same time whatever is wrong, but for the length.
                let same = bool::from(shown.ct_eq(token.as_bytes()));
                if same { Ok(()) } else { Err(AuthError::Unauthorized) }
            }
        }
    }

    /// Whether a page of this origin (`scheme://host:port`) may send an order to a server that the browser knows as
    /// `host`. A token is proof enough, for a foreign page does not have it. Without one only pages of this server may, and
    /// only under a name of the machine itself: any other name may have been pointed here by somebody else.
    ///
    /// # Errors
    /// When it may not.
    pub fn check_origin(&self, origin: &str, host: &str) -> Result<(), AuthError> {
        let own = origin.split_once("://").is_some_and(|(_, origin)| origin == host);
        if self.token.is_some() || (own && is_local(host)) {
            Ok(())
        } else {
            Err(AuthError::CrossOrigin)
        }
    }
}

/// The token of `Bearer TOKEN`.
fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = authorization.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
}

/// Whether a host, with or without port, is a name of the machine itself.
fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: &str = "127.0.0.1:8080";
    const PUBLIC: &str = "0.0.0.0:8080";

    fn gate(token: Option<&str>, listener: &str) -> AdminAuth {
        let token = token.map(|token| token.parse().unwrap());
        AdminAuth::new(token, listener.parse().unwrap())
    }

    #[test]
    fn a_token_opens_and_nothing_else_does() {
        let gate = gate(Some("0123456789abcdef"), LOCAL);
        for right in ["Bearer 0123456789abcdef", "bearer 0123456789abcdef"] {
            assert_eq!(gate.authorize(Some(right.as_bytes())), Ok(()));
        }
        let wrong = ["", "Bearer", "Bearer ", "Bearer 0123456789abcdeF", "Basic 0123456789abcdef"];
        for wrong in wrong.into_iter().chain(["0123456789abcdef", "Bearer 0123456789abcdef0"]) {
            assert_eq!(
                gate.authorize(Some(wrong.as_bytes())),
                Err(AuthError::Unauthorized),
                "{wrong}"
            );
        }
        assert_eq!(gate.authorize(None), Err(AuthError::Unauthorized));
        assert_eq!(gate.check_origin("https://faces.example", "faces.example"), Ok(()));
    }

    #[test]
    fn without_a_token_the_machine_itself_gives_orders() {
        assert_eq!(gate(None, LOCAL).authorize(None), Ok(()));
        assert_eq!(gate(None, "[::1]:0").authorize(None), Ok(()));
        assert_eq!(gate(None, PUBLIC).authorize(None), Err(AuthError::Disabled));
    }

    #[test]
    fn without_a_token_only_own_pages_do() {
        let gate = gate(None, LOCAL);
        for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "localhost"] {
            assert_eq!(gate.check_origin(&format!("http://{host}"), host), Ok(()), "{host}");
        }
        for (origin, host) in [
            ("http://evil.example", LOCAL),
            ("http://localhost:3000", "localhost:8080"),
            ("null", LOCAL),
            // A name of somebody else that leads to this machine.
            ("http://evil.example:8080", "evil.example:8080"),
        ] {
            assert_eq!(
                gate.check_origin(origin, host),
                Err(AuthError::CrossOrigin),
                "{origin} {host}"
            );
        }
    }

    #[test]
    fn weak_tokens_are_refused() {
        for weak in ["", "short", "fifteen letters", "sixteen with spaces", "sechzehn-buchstäben"]
        {
            assert_eq!(weak.parse::<AdminToken>().unwrap_err(), InvalidToken, "{weak}");
        }
        let token: AdminToken = "0123456789abcdef".parse().unwrap();
        assert_eq!(format!("{token:?}"), "AdminToken(..)");
        assert_eq!(token.bearer(), "Bearer 0123456789abcdef");
    }
}
