//! Reads files again when they change.

use std::{error::Error, sync::Arc, time::Duration};

use tokio::task::spawn_blocking;

use crate::{
    auth::keys::ApiKeys,
    file_watch::FileWatch,
    metrics::{Metrics, ReloadedFile},
    tls::Tls,
};

/// Interval between two polls. A change takes effect after one to two intervals.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A file, or several that belong together, with the function that reads it again.
pub(super) struct Reload {
    kind: ReloadedFile,
    watch: FileWatch,
    reload: Box<dyn Fn() -> Result<(), Box<dyn Error>> + Send>,
}

impl Reload {
    /// Reads the API keys again. `watch` was created before they were read.
    pub(super) fn keys(keys: Arc<ApiKeys>, watch: FileWatch) -> Self {
        Self {
            kind: ReloadedFile::ApiKeys,
            watch,
            reload: Box::new(move || Ok(keys.reload()?)),
        }
    }

    /// Reads the files of TLS again. `watch` was created before they were read.
    pub(super) fn tls(tls: Arc<Tls>, watch: FileWatch) -> Self {
        Self {
            kind: ReloadedFile::Tls,
            watch,
            reload: Box::new(move || Ok(tls.reload()?)),
        }
    }

    fn poll(&mut self, metrics: &Metrics) {
        if !self.watch.poll() {
            return;
        }
        let (reloaded, files) = ((self.reload)(), self.kind.name());
        metrics.reloads.count(self.kind, reloaded.is_ok());
        match reloaded {
            Ok(()) => tracing::info!(files, "changed files were loaded"),
            Err(error) => {
                tracing::warn!(
                    files,
                    error = error.as_ref(),
                    "changed files are invalid; the previous ones remain in use"
                );
            }
        }
    }
}

/// Reads files again when they change. Never completes.
pub(super) async fn watch(mut reloads: Vec<Reload>, metrics: Arc<Metrics>) {
    while !reloads.is_empty() {
        tokio::time::sleep(POLL_INTERVAL).await;
        let metrics = Arc::clone(&metrics);
        let polled = spawn_blocking(move || {
            for reload in &mut reloads {
                reload.poll(&metrics);
            }
            reloads
        });
        match polled.await {
            Ok(returned) => reloads = returned,
            Err(error) => {
                tracing::error!(%error, "watching files failed; changes need a restart");
                break;
            }
        }
    }
    std::future::pending().await
}
