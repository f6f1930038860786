//! Whether requests should be sent here: what the health checks of both doors say.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::models::registry::Registry;

/// How the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerStatus {
    /// The default model does not serve yet.
    Loading,
    /// The default model does not serve.
    Unavailable,
    /// The default model serves.
    Ready,
    /// The server is about to stop.
    Draining,
}

/// What the server's condition follows from.
pub struct Readiness {
    registry: Arc<Registry>,
    draining: AtomicBool,
}

impl Readiness {
    /// Of a server that is about to serve these models.
    pub fn new(registry: Arc<Registry>) -> Self {
        Self { registry, draining: AtomicBool::new(false) }
    }

    /// From now on no more requests should be sent here.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the server is about to stop.
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// How the server is now.
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
}
