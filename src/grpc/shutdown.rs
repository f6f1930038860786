//! Waiting for the shutdown of the server.

use tokio::sync::watch;

/// Waits until the server stops or was dropped.
pub(super) async fn wait_for_shutdown(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|&stopped| stopped).await;
}
