//! Runs the server of the program, with its handlers of signals.

use super::{Application, StartupError, signals::OtherSignals};
use crate::{models::registry::Registry, settings::Settings};

/// Builds a server and runs it until it is stopped. SIGHUP, SIGUSR1 and SIGUSR2 do not end it, also during the start.
///
/// # Errors
/// Returns the errors of [`Application::build`] and [`Application::run_until_stopped`].
pub async fn serve(settings: &Settings) -> Result<(), StartupError> {
    let mut signals = OtherSignals::catch()?;
    let app = Application::build(settings)?;
    let registry = app.registry();
    let reload = async {
        loop {
            signals.reload().await;
            reload_changed(&registry).await;
        }
    };
    tokio::select! {
        ended = app.run_until_stopped() => ended,
        () = reload => Ok(()),
    }
}

/// Loads the models that have changed on disk.
async fn reload_changed(registry: &Registry) {
    tracing::info!(
        signal = "SIGHUP",
        "loading the models that have changed on disk"
    );
    if let Err(error) = registry.load_changed().await {
        tracing::warn!(%error, "SIGHUP: the models were not loaded");
    }
}
