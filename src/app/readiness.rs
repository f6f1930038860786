//! The status that the health checks of HTTP and gRPC report.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

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
}

impl Readiness {
    /// Creates the readiness of a server with these models.
    pub fn new(registry: Arc<Registry>) -> Self {
        Self {
            registry,
            draining: AtomicBool::new(false),
        }
    }

    /// Reports [`ServerStatus::Draining`] from now on.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
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
}
