//! The state of the limits of API keys. It is read when the metrics are scraped, so requests do not update it.

use std::sync::Arc;

use prometheus::{
    GaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// The state of the limits of a key.
pub struct KeyUsage {
    /// Name of the key.
    pub key: Arc<str>,
    /// Number of images that the rate allows now; `None` without a limited rate.
    pub available_images: Option<f64>,
    /// Number of images that are processed now; `None` without a limit.
    pub concurrent_images: Option<f64>,
}

/// Collects the state of all keys that `usage` returns.
pub(super) struct KeyLimits<F> {
    usage: F,
    /// Empty families: only their descriptions are used.
    described: [GaugeVec; 2],
}

impl<F: Fn() -> Vec<KeyUsage> + Send + Sync> KeyLimits<F> {
    pub(super) fn new(usage: F) -> Self {
        Self {
            usage,
            described: families(),
        }
    }
}

impl<F: Fn() -> Vec<KeyUsage> + Send + Sync> Collector for KeyLimits<F> {
    fn desc(&self) -> Vec<&Desc> {
        self.described.iter().flat_map(GaugeVec::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // Each scrape creates the series of the current keys, so removed keys do not have any.
        let families = families();
        let [available, concurrent] = &families;
        for usage in (self.usage)() {
            let values = [
                (available, usage.available_images),
                (concurrent, usage.concurrent_images),
            ];
            for (family, value) in values {
                if let Some(value) = value {
                    family.with_label_values(&[&usage.key]).set(value);
                }
            }
        }
        families.iter().flat_map(GaugeVec::collect).collect()
    }
}

/// Creates the families of available and concurrent images.
fn families() -> [GaugeVec; 2] {
    let family = |name: &str, help: &str| {
        GaugeVec::new(Opts::new(name, help), &["key"]).expect("name and label are valid")
    };
    [
        family(
            "mien_key_available_images",
            "Number of images that the rate of the API key allows now.",
        ),
        family(
            "mien_key_concurrent_images",
            "Number of images of the API key that are processed now. Only for keys with `concurrent_images`.",
        ),
    ]
}
