//! The status that the health checks of HTTP and gRPC report.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures_util::{Stream, stream};
use tokio::sync::watch;

use crate::models::registry::Registry;

/// Status of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerStatus {
    /// The default model is being loaded.
    Loading,
    /// The default model is not available.
    Unavailable,
    /// The default model is ready.
    Ready,
    /// The server is stopping.
    Draining,
}

/// Derives the status from the default model and the shutdown flag.
pub struct Readiness {
    registry: Arc<Registry>,
    draining: AtomicBool,
    /// Notifies when [`Self::draining`] changes. Requests read only the flag.
    drain: watch::Sender<()>,
}

impl Readiness {
    /// Creates the readiness of a server with these models.
    pub fn new(registry: Arc<Registry>) -> Self {
        Self {
            registry,
            draining: AtomicBool::new(false),
            drain: watch::Sender::new(()),
        }
    }

    /// Reports [`ServerStatus::Draining`] from now on.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.drain.send_replace(());
    }

    /// Returns whether the server is stopping.
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Returns the current status.
    pub fn status(&self) -> ServerStatus {
        if self.draining() {
            ServerStatus::Draining
        } else {
            match self.registry.resolve(None, None) {
                Ok(_) => ServerStatus::Ready,
                Err(error) if error.is_loading() => ServerStatus::Loading,
                Err(_) => ServerStatus::Unavailable,
            }
        }
    }

    /// Returns the current status and then each change of it.
    pub fn statuses(self: Arc<Self>) -> impl Stream<Item = ServerStatus> {
        // The receivers exist before the status is read, so a change in between is not missed.
        let changes = (self.registry.subscribe(), self.drain.subscribe());
        stream::unfold((self, changes, None), async |(this, mut changes, last)| {
            loop {
                let status = this.status();
                if last != Some(status) {
                    return Some((status, (this, changes, Some(status))));
                }
                // The senders live as long as `this`, so the wait only ends with a change.
                tokio::select! {
                    _ = changes.0.changed() => {}
                    _ = changes.1.changed() => {}
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;

    #[tokio::test]
    async fn statuses_begin_with_current_one_and_report_changes() {
        let readiness = Arc::new(Readiness::new(Arc::new(Registry::empty())));
        let mut statuses = Box::pin(Arc::clone(&readiness).statuses());
        assert_eq!(statuses.next().await, Some(ServerStatus::Loading));
        assert_eq!(statuses.next().now_or_never(), None);
        readiness.start_draining();
        assert_eq!(statuses.next().await, Some(ServerStatus::Draining));
        readiness.start_draining();
        assert_eq!(statuses.next().now_or_never(), None);
    }
}
