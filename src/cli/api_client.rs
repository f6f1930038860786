//! Client of the API of a running server.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use reqwest::{
    Method, RequestBuilder, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
};
use serde_json::Value;

use crate::{auth::AdminToken, tls};

/// Maximum time to wait for a response.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum time to send images and to wait for their response. The server has time limits of its own.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(300);

/// A response of any status.
#[derive(Debug)]
pub(super) struct Reply {
    /// The status.
    pub(super) status: StatusCode,
    /// The time after which the request can be sent again.
    pub(super) retry_after: Option<Duration>,
    /// The body.
    pub(super) body: Bytes,
}

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
    code: String,
    detail: String,
}

impl Rejected {
    /// Returns whether the error has this code.
    pub(super) fn has_code(&self, code: &str) -> bool {
        self.code == code
    }

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
    /// Returns an error if the URL is invalid, or neither HTTP nor HTTPS.
    pub(super) fn new(url: &str, token: Option<&AdminToken>) -> anyhow::Result<Self> {
        let base = Url::parse(url).with_context(|| format!("`{url}` is not a URL"))?;
        if !["http", "https"].contains(&base.scheme()) {
            bail!("`{url}`: the URL must start with http:// or https://");
        }
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(token.bearer())?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        tls::install_crypto_provider();
        let mut client = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(TIMEOUT)
            .no_proxy();
        if base.scheme() == "http" {
            // The system need not have certificates of authorities.
            client = client.tls_certs_only([]);
        }
        let client = client.build()?;
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
        let mut request = self.request(method, segments);
        if let Some(body) = body {
            request = request.json(body);
        }
        let Reply { status, body, .. } = self.reply(request).await?;
        let document: Value = serde_json::from_slice(&body).unwrap_or_default();
        if !status.is_success() {
            let text = |key: &str| document[key].as_str().map(str::to_owned);
            let code = text("code").unwrap_or_default();
            let detail = text("detail").unwrap_or_else(|| "no reason given".to_owned());
            let rejected = Rejected {
                status,
                code,
                detail,
            };
            return Err(rejected.into());
        }
        Ok(document)
    }

    /// Sends a body to the path with these segments. A rejection is a reply.
    ///
    /// # Errors
    /// Returns [`NoResponse`] if the server is not reachable.
    pub(super) async fn upload(
        &self,
        segments: &[&str],
        query: &[(&str, String)],
        content_type: &'static str,
        body: Bytes,
    ) -> Result<Reply, NoResponse> {
        let mut url = self.url(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.client.request(Method::POST, url);
        let request = request
            .header(CONTENT_TYPE, content_type)
            .timeout(UPLOAD_TIMEOUT);
        self.reply(request.body(body)).await
    }

    fn request(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        self.client.request(method, self.url(segments))
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("an HTTP URL has a path")
            .pop_if_empty()
            .extend(segments);
        url
    }

    async fn reply(&self, request: RequestBuilder) -> Result<Reply, NoResponse> {
        let no_response = |source| NoResponse {
            server: self.base.origin().ascii_serialization(),
            source,
        };
        let response = request.send().await.map_err(no_response)?;
        let retry_after = response.headers().get(RETRY_AFTER);
        let seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Reply {
            status: response.status(),
            retry_after: seconds.map(Duration::from_secs),
            body: response.bytes().await.map_err(no_response)?,
        })
    }
}
