//! The metrics of files that are read again when they change.

use prometheus::{IntCounterVec, Registry};

use super::register::counter;

/// Files that are read again when they change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReloadedFile {
    /// The file of `--api-keys`.
    ApiKeys,
    /// The files of `--tls-cert`, `--tls-key` and `--tls-client-ca`.
    Tls,
}

impl ReloadedFile {
    /// Returns the value of the label `file`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApiKeys => "api_keys",
            Self::Tls => "tls",
        }
    }
}

/// The metrics of reloads.
pub struct ReloadMetrics(IntCounterVec);

impl ReloadMetrics {
    /// Creates and registers the metrics.
    pub(super) fn register(r: &Registry) -> Self {
        Self(counter(
            r,
            "mien_file_reloads_total",
            "Changed files that were read again, by outcome.",
            &["file", "outcome"],
        ))
    }

    /// Creates the series of a file with the value 0.
    pub fn init(&self, file: ReloadedFile) {
        for succeeded in [true, false] {
            self.0.with_label_values(&[file.name(), outcome(succeeded)]);
        }
    }

    /// Counts a reload.
    pub fn count(&self, file: ReloadedFile, succeeded: bool) {
        let labels = [file.name(), outcome(succeeded)];
        self.0.with_label_values(&labels).inc();
    }
}

fn outcome(succeeded: bool) -> &'static str {
    if succeeded { "ok" } else { "failed" }
}
