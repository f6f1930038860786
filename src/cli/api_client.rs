//! Client of the API of a running server.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{
    Method, StatusCode, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use serde_json::Value;

use crate::auth::AdminToken;

/// Maximum time to wait for a response.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Client of one server.
pub(super) struct ApiClient {
    client: reqwest::Client,
    base: Url,
}

/// The server did not respond. The request can be sent again.
#[derive(Debug, thiserror::Error)]
#[error("no response from the server at {server}")]
pub(super) struct NoResponse {
    /// Scheme, host and port.
    server: String,
    source: reqwest::Error,
}

/// The server rejected a request.
#[derive(Debug, thiserror::Error)]
#[error("the server returned {}: {detail}", status.as_u16())]
pub(super) struct Rejected {
    status: StatusCode,
    detail: String,
}

impl Rejected {
    /// Returns whether the admin token is missing or wrong, or the admin API is disabled.
    pub(super) fn is_unauthorized(&self) -> bool {
        matches!(
            self.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        )
    }
}

impl ApiClient {
    /// Creates a client. Paths are appended to `url`.
    ///
    /// # Errors
    /// Returns an error if the URL is invalid or not HTTP.
    pub(super) fn new(url: &str, token: Option<&AdminToken>) -> anyhow::Result<Self> {
        let base = Url::parse(url).with_context(|| format!("`{url}` is not a URL"))?;
        if base.scheme() != "http" {
            bail!("`{url}`: the URL must start with http://");
        }
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(token.bearer())?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(TIMEOUT)
            .no_proxy()
            .build()?;
        Ok(Self { client, base })
    }

    /// Sends a request to the path with these segments and parses the JSON response. The segments are percent-encoded.
    ///
    /// # Errors
    /// Returns [`NoResponse`] if the server is not reachable, and an error if it rejects the request.
    pub(super) async fn send(
        &self,
        method: Method,
        segments: &[&str],
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("an HTTP URL has a path")
            .pop_if_empty()
            .extend(segments);
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let no_response = |source| NoResponse {
            server: self.base.origin().ascii_serialization(),
            source,
        };
        let response = request.send().await.map_err(no_response)?;
        let status = response.status();
        let body = response.bytes().await.map_err(no_response)?;
        let document: Value = serde_json::from_slice(&body).unwrap_or_default();
        if !status.is_success() {
            let detail = document["detail"].as_str().unwrap_or("no reason given");
            let detail = detail.to_owned();
            return Err(Rejected { status, detail }.into());
        }
        Ok(document)
    }
}
