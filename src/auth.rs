//! Authorization of requests: the admin token, API keys with their limits, and requests of clients on this machine.

mod access;
mod admin;
mod client;
mod error;
mod hosts;
pub mod keys;
mod origin;
mod request;

use std::{net::SocketAddr, sync::Arc};

use self::keys::ApiKeys;
pub use self::{
    access::{Access, Scope},
    admin::{AdminAuth, AdminToken, InvalidToken},
    client::Client,
    error::AuthError,
    hosts::AllowedSites,
    origin::{InvalidOrigin, Origin},
    request::{ClientRequest, is_cross_site, is_forwarding},
};
use crate::metrics::Metrics;

/// Authorizes the requests of one listener.
#[derive(Clone)]
pub struct Authorizer {
    admin: AdminAuth,
    keys: Option<Arc<ApiKeys>>,
    metrics: Arc<Metrics>,
}

impl Authorizer {
    /// Creates the authorization of a listener. Without `keys`, only admin requests need credentials; a loopback listener then
    /// rejects requests of web pages that are not in `sites`.
    pub fn new(
        token: Option<AdminToken>,
        keys: Option<Arc<ApiKeys>>,
        listener: SocketAddr,
        sites: AllowedSites,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            admin: AdminAuth::new(token, listener, sites),
            keys,
            metrics,
        }
    }

    /// Checks the credentials of a request. The admin token is valid for every request, and limits do not apply to it.
    ///
    /// # Errors
    /// Returns why the request is rejected.
    pub fn authorize(
        &self,
        access: Access,
        request: &ClientRequest<'_>,
    ) -> Result<Client, AuthError> {
        let client = self.check(access, request);
        if client
            .as_ref()
            .is_err_and(|error| error.is_unauthenticated())
        {
            self.metrics.keys.count_unauthorized();
        }
        client
    }

    fn check(&self, access: Access, request: &ClientRequest<'_>) -> Result<Client, AuthError> {
        let (scopes, is_admin) = match access {
            Access::Public => return Ok(Client::default()),
            Access::Key(scopes) => (scopes, false),
            Access::Admin(scopes) => (scopes, true),
        };
        match &self.keys {
            None if is_admin => self.admin.authorize(request).map(|()| Client::default()),
            None => self.admin.check_page(request).map(|()| Client::default()),
            Some(_) if self.admin.has_token(request) => Ok(Client::default()),
            Some(keys) => {
                let secret = request.key().ok_or(AuthError::NoKey)?;
                let key = keys.find(secret).ok_or(AuthError::UnknownKey)?;
                if key.has_scope(scopes) {
                    Ok(Client::of(key))
                } else {
                    Err(AuthError::MissingScope(scopes))
                }
            }
        }
    }
}
