//! Errors of exceeded limits of API keys, and their headers.

use actix_web::http::header::{self, HeaderName, HeaderValue};

use super::{ApiError, Code};
use crate::auth::keys::{LimitExceeded, LimitKind, seconds};

/// Current state of a limit (draft-ietf-httpapi-ratelimit-headers-10, section 4).
pub(in crate::http) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// The limit (section 3 of the same draft).
pub(in crate::http) const RATE_LIMIT_POLICY: HeaderName =
    HeaderName::from_static("ratelimit-policy");

impl ApiError {
    /// 429: a limit of the API key is exhausted. 413 if the request can never be admitted, 401 if
    /// the key was revoked.
    pub(in crate::http) fn limited(detail: String, limit: LimitKind) -> Self {
        let code = match limit {
            LimitKind::Rate { .. } | LimitKind::Concurrency { .. } => Code::RateLimited,
            LimitKind::RequestSize { .. } => Code::TooLarge,
            LimitKind::Revoked => Code::Unauthorized,
        };
        Self {
            limit: Some(Box::new(limit)),
            ..Self::new(code, detail)
        }
    }
}

impl From<LimitExceeded> for ApiError {
    fn from(exceeded: LimitExceeded) -> Self {
        Self::limited(exceeded.to_string(), exceeded.kind)
    }
}

/// Returns `Retry-After`, `RateLimit-Policy` and `RateLimit`. `t` and `w` are in seconds, `q` and `r` in images.
pub(super) fn headers(limit: LimitKind) -> Vec<(HeaderName, HeaderValue)> {
    let (policy, state) = match limit {
        LimitKind::Rate {
            burst,
            window,
            remaining,
            retry_after,
        } => (
            format!("\"images\";q={burst};w={}", seconds(window)),
            format!("\"images\";r={remaining};t={}", seconds(retry_after)),
        ),
        LimitKind::Concurrency { max, remaining } => (
            format!("\"concurrent-images\";q={max}"),
            format!("\"concurrent-images\";r={remaining}"),
        ),
        LimitKind::RequestSize { .. } | LimitKind::Revoked => return Vec::new(),
    };
    let text = |text: String| HeaderValue::try_from(text).expect("the values are visible ASCII");
    let mut headers = vec![(RATE_LIMIT_POLICY, text(policy)), (RATE_LIMIT, text(state))];
    if let Some(time) = limit.retry_after() {
        headers.push((header::RETRY_AFTER, seconds(time).into()));
    }
    headers
}
