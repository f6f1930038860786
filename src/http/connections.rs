//! Counts the open connections, and tells them when the server stops.

use std::{
    pin::{Pin, pin},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::connection;
use crate::intake::memory_limit::BodyMemoryLimit;

/// The open connections of a server.
pub struct Connections {
    open: AtomicUsize,
    /// Memory of the heads of all connections.
    pub(super) head_memory: BodyMemoryLimit,
    /// Memory of the large responses of all connections.
    pub(super) response_memory: BodyMemoryLimit,
    /// The time of [`Self::close`].
    closed_at: OnceLock<Instant>,
    /// Wakes the connections when the server stops.
    close: watch::Sender<bool>,
    /// Wakes the shutdown when the last connection has closed.
    last_closed: Notify,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            open: AtomicUsize::new(0),
            head_memory: connection::head_memory(),
            response_memory: connection::response_memory(),
            closed_at: OnceLock::new(),
            close: watch::Sender::new(false),
            last_closed: Notify::new(),
        }
    }
}

impl Connections {
    /// Closes idle connections now, and the others after their response. Connections that are accepted later also close after
    /// their first response.
    pub fn close(&self) {
        self.closed_at.get_or_init(Instant::now);
        self.close.send_replace(true);
    }

    /// Returns whether [`Self::close`] was called.
    pub(super) fn is_closing(&self) -> bool {
        self.closed_at.get().is_some()
    }

    /// Returns a future that completes when [`Self::close`] is called.
    pub(super) fn closing(&self) -> Pin<Box<dyn Future<Output = ()>>> {
        let mut close = self.close.subscribe();
        // The sender lives as long as the server; without it nothing would be left to close.
        Box::pin(async move { drop(close.wait_for(|&is_closing| is_closing).await) })
    }

    /// Waits until no connection is open. [`Self::close`] must be called first.
    pub async fn closed(&self) {
        loop {
            let mut last_closed = pin!(self.last_closed.notified());
            // From here on no notification is missed.
            last_closed.as_mut().enable();
            if self.open.load(Ordering::SeqCst) == 0 {
                return;
            }
            last_closed.await;
        }
    }
}

/// One open connection; dropping it decrements the count.
pub(super) struct OpenConnection(Arc<Connections>);

impl OpenConnection {
    /// Increments the count.
    pub(super) fn new(connections: Arc<Connections>) -> Self {
        connections.open.fetch_add(1, Ordering::SeqCst);
        Self(connections)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.last_closed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn closed_waits_for_last_connection() {
        let connections = Arc::new(Connections::default());
        let mut closing = connections.closing();
        assert!(closing.as_mut().now_or_never().is_none());
        let open = [(); 2].map(|()| OpenConnection::new(Arc::clone(&connections)));
        connections.close();
        closing.await;
        let mut closed = Box::pin(connections.closed());
        for connection in open {
            assert!(closed.as_mut().now_or_never().is_none());
            drop(connection);
        }
        closed.await;
    }
}
