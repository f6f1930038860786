//! The metrics of API keys. The label `key` has the names of the file of keys.

use prometheus::{IntCounter, IntCounterVec, Registry};

use super::{
    key_limits::{KeyLimits, KeyUsage},
    register::{counter, register, single_counter},
};

/// Values of the label `limit`.
const LIMITS: [&str; 4] = ["rate", "concurrency", "request_size", "revoked"];

/// Outcome of the authorization of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOutcome {
    /// The key has the scope.
    Accepted,
    /// The key does not have the scope.
    Forbidden,
}

impl KeyOutcome {
    const ALL: [Self; 2] = [Self::Accepted, Self::Forbidden];

    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Forbidden => "forbidden",
        }
    }
}

/// The metric families of all keys.
#[derive(Clone)]
pub struct KeyFamilies {
    requests: IntCounterVec,
    images: IntCounterVec,
    limited: IntCounterVec,
    unauthorized: IntCounter,
    registry: Registry,
}

impl KeyFamilies {
    /// Creates and registers the families.
    pub(super) fn register(r: &Registry) -> Self {
        Self {
            requests: counter(
                r,
                "mien_key_requests_total",
                "Requests with a known API key by outcome.",
                &["key", "outcome"],
            ),
            images: counter(
                r,
                "mien_key_images_total",
                "Images that were admitted for inference.",
                &["key"],
            ),
            limited: counter(
                r,
                "mien_key_limited_total",
                "Requests and live frames that exceeded a limit of their API key.",
                &["key", "limit"],
            ),
            unauthorized: single_counter(
                r,
                "mien_unauthorized_requests_total",
                "Requests without a valid API key or admin token.",
            ),
            registry: r.clone(),
        }
    }

    /// Reads the state of the limits of all keys at each scrape. Must be called only once.
    pub fn observe_limits(&self, usage: impl Fn() -> Vec<KeyUsage> + Send + Sync + 'static) {
        register(&self.registry, KeyLimits::new(usage));
    }

    /// Counts a request without valid credentials.
    pub fn count_unauthorized(&self) {
        self.unauthorized.inc();
    }

    /// Returns the metrics of a key. This creates its series with the value 0.
    pub fn key(&self, name: &str) -> KeyMetrics {
        let request =
            |outcome: KeyOutcome| self.requests.with_label_values(&[name, outcome.name()]);
        KeyMetrics {
            accepted: request(KeyOutcome::Accepted),
            forbidden: request(KeyOutcome::Forbidden),
            images: self.images.with_label_values(&[name]),
            limited: LIMITS.map(|limit| (limit, self.limited.with_label_values(&[name, limit]))),
        }
    }

    /// Removes the series of a key that was removed from the file.
    pub fn remove(&self, name: &str) {
        // An error means that the series does not exist.
        for outcome in KeyOutcome::ALL {
            let _ = self.requests.remove_label_values(&[name, outcome.name()]);
        }
        for limit in LIMITS {
            let _ = self.limited.remove_label_values(&[name, limit]);
        }
        let _ = self.images.remove_label_values(&[name]);
    }
}

/// The metrics of one key.
pub struct KeyMetrics {
    accepted: IntCounter,
    forbidden: IntCounter,
    images: IntCounter,
    /// One counter per limit. The counters of a removed key must not create its series again.
    limited: [(&'static str, IntCounter); LIMITS.len()],
}

impl KeyMetrics {
    /// Counts a request.
    pub fn count_request(&self, outcome: KeyOutcome) {
        match outcome {
            KeyOutcome::Accepted => self.accepted.inc(),
            KeyOutcome::Forbidden => self.forbidden.inc(),
        }
    }

    /// Counts admitted images.
    pub fn count_images(&self, images: usize) {
        self.images.inc_by(images as u64);
    }

    /// Counts a request that exceeded a limit. `limit` must come from a closed set.
    pub fn count_limited(&self, limit: &str) {
        let counter = self.limited.iter().find(|(name, _)| *name == limit);
        if let Some((_, counter)) = counter {
            counter.inc();
        }
    }
}
