//! Starts and ends the shadows of a server.

use std::sync::Arc;

use tokio::{runtime::Handle, sync::oneshot};

use super::{error::StartError, list::ShadowList, report::ShadowReport, spec::ShadowSpec, task};
use crate::{metrics::Metrics, models::registry::Registry};

/// All shadows. Clones share them.
#[derive(Clone)]
pub struct Shadows {
    pub(super) list: Arc<ShadowList>,
    runtime: Handle,
}

impl Shadows {
    /// Creates an empty list. Shadows run on the Tokio runtime of the caller.
    ///
    /// # Panics
    /// Panics outside of a Tokio runtime.
    pub fn new(registry: Arc<Registry>, metrics: Arc<Metrics>) -> Self {
        Self {
            list: Arc::new(ShadowList::new(registry, metrics)),
            runtime: Handle::current(),
        }
    }

    /// Loads a candidate and starts to copy a share of the images, greater than 0 and at most 1. The shadow starts even if the future is
    /// dropped.
    ///
    /// # Errors
    /// Returns an error if a version is unknown or does not serve, if the candidate cannot be loaded or has other labels or another input
    /// size, or if a shadow of the model is running.
    pub async fn start(&self, spec: &ShadowSpec, share: f64) -> Result<ShadowReport, StartError> {
        let shadow = self.list.register(spec, share)?;
        let (begun, has_begun) = oneshot::channel();
        let task = task::run(Arc::clone(&self.list), Arc::clone(&shadow), begun);
        self.runtime.spawn(task);
        has_begun.await.unwrap_or(Err(StartError::Crashed))?;
        Ok(shadow.report())
    }

    /// Starts shadows when the models are loaded. One that cannot be started is logged and reported as failed.
    pub fn start_when_loaded(&self, specs: Vec<ShadowSpec>, share: f64) {
        for spec in specs {
            let shadows = self.clone();
            self.runtime.spawn(async move {
                shadows.list.until_loaded().await;
                match shadows.start(&spec, share).await {
                    Ok(_) | Err(StartError::ShuttingDown | StartError::Ended) => {}
                    Err(error) => shadows.list.report_failure(&spec, share, &error),
                }
            });
        }
    }

    /// Returns the running shadow of a model, otherwise the last one.
    pub fn get(&self, model: &str) -> Option<ShadowReport> {
        self.list.find(model).map(|shadow| shadow.report())
    }

    /// Ends the running shadow of a model. Returns its report, otherwise that of the last shadow.
    pub async fn end(&self, model: &str) -> Option<ShadowReport> {
        let shadow = self.list.find(model)?;
        shadow.request_stop("ended by a client");
        shadow.until_ended().await;
        Some(shadow.report())
    }

    /// Rejects further shadows and ends the running ones.
    pub fn shut_down(&self) {
        for shadow in self.list.close() {
            shadow.request_stop("ended by the shutdown of the server");
        }
    }

    /// Waits until no shadow is running.
    pub async fn ended(&self) {
        for shadow in self.list.running() {
            shadow.until_ended().await;
        }
    }
}
