//! The parts of a request that its authorization depends on.

/// The parts of a request that its authorization depends on.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClientRequest<'a> {
    /// The `Authorization` header.
    pub authorization: Option<&'a [u8]>,
    /// The `X-API-Key` header.
    pub api_key: Option<&'a [u8]>,
    /// The key or token of a WebSocket handshake.
    pub websocket_token: Option<&'a [u8]>,
    /// The `Origin` header of a browser: `scheme://host:port`.
    pub origin: Option<&'a str>,
    /// The `Host` header, or the authority of the URI. `None` if they are missing, invalid or contradictory.
    pub host: Option<&'a str>,
    /// Whether a browser says that a page of another site caused the request: [`Sec-Fetch-Site`](is_cross_site).
    pub is_cross_site: bool,
    /// Whether one of the headers is [forwarding](is_forwarding).
    pub is_forwarded: bool,
}

impl<'a> ClientRequest<'a> {
    /// Returns the token of `Authorization: Bearer TOKEN`, otherwise that of a WebSocket handshake.
    pub(super) fn bearer(&self) -> Option<&'a [u8]> {
        self.authorization_token().or(self.websocket_token)
    }

    fn authorization_token(&self) -> Option<&'a [u8]> {
        let authorization = self.authorization?;
        let (scheme, token) = authorization.split_at_checked("Bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
    }

    /// Returns the API key: the bearer token, otherwise the value of `X-API-Key`.
    pub(super) fn key(&self) -> Option<&'a [u8]> {
        self.bearer().or(self.api_key)
    }
}

/// Returns whether a value of `Sec-Fetch-Site` stands for a page of another origin (Fetch Metadata Request Headers, section 2.3).
pub fn is_cross_site(fetch_site: &[u8]) -> bool {
    matches!(fetch_site, b"cross-site" | b"same-site")
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
