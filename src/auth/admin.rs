//! Authentication of admin requests: requests that change what the server serves or stores.

use std::{net::SocketAddr, sync::Arc};

use subtle::ConstantTimeEq;

use super::{
    error::AuthError,
    hosts::{AllowedSites, is_local_host, is_own},
    request::ClientRequest,
};

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
#[error(
    "an admin token or API key must have at least {MIN_TOKEN_LENGTH} characters, all visible ASCII"
)]
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

/// Authorizes the admin requests of one listener. With a token, requests must carry it. Without a token, requests are
/// accepted on loopback listeners only, and only from clients on this machine.
#[derive(Debug, Clone)]
pub struct AdminAuth {
    token: Option<AdminToken>,
    is_loopback: bool,
    sites: AllowedSites,
}

impl AdminAuth {
    /// Creates the authorization of a listener.
    pub fn new(token: Option<AdminToken>, listener: SocketAddr, sites: AllowedSites) -> Self {
        Self {
            token,
            is_loopback: listener.ip().to_canonical().is_loopback(),
            sites,
        }
    }

    /// Checks a request. With a token, only the token matters, because neither a foreign page nor another machine has it.
    ///
    /// # Errors
    /// Returns why the request is rejected.
    pub fn authorize(&self, request: &ClientRequest<'_>) -> Result<(), AuthError> {
        match self.token {
            None if self.is_loopback => self.check_local(request),
            None => Err(AuthError::Disabled),
            Some(_) if self.has_token(request) => Ok(()),
            Some(_) => Err(AuthError::Unauthorized),
        }
    }

    /// Returns whether there is a token and the request carries it.
    pub(super) fn has_token(&self, request: &ClientRequest<'_>) -> bool {
        let Some(AdminToken(token)) = &self.token else {
            return false;
        };
        let given = request.bearer().unwrap_or_default();
        // The comparison takes the same time for all tokens of one length.
        bool::from(given.ct_eq(token.as_bytes()))
    }

    /// Checks that a foreign web page did not send a request without credentials. Only a loopback listener can check this, because
    /// the names of other listeners are unknown.
    ///
    /// # Errors
    /// Returns [`AuthError::ForeignHost`] or [`AuthError::ForeignOrigin`].
    pub(super) fn check_page(&self, request: &ClientRequest<'_>) -> Result<(), AuthError> {
        if self.is_loopback && !self.has_token(request) {
            self.sites.check(request)
        } else {
            Ok(())
        }
    }

    /// Checks that a client on this machine sent the request itself. Any other host may have been pointed at this host by DNS
    /// rebinding, or is the name of a reverse proxy that passes on requests of other machines. The origin of a browser must be the
    /// server.
    fn check_local(&self, request: &ClientRequest<'_>) -> Result<(), AuthError> {
        let host = request.host.filter(|host| is_local_host(host));
        let host = host.ok_or(AuthError::NotLocal)?;
        if request.is_forwarded {
            return Err(AuthError::Forwarded);
        }
        if request.origin.is_none_or(|origin| is_own(origin, host)) {
            Ok(())
        } else {
            Err(AuthError::CrossOrigin)
        }
    }
}

#[cfg(test)]
mod tests;
