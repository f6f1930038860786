//! Waiting for something that the server does in the background.

use std::time::{Duration, Instant};

use actix_web::rt;

/// Interval between two checks.
const INTERVAL: Duration = Duration::from_millis(5);

/// Time that is enough for everything that a loaded machine does in these tests.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// Checks `condition` again and again until it returns a value. Panics with `what` if that takes longer than `timeout`.
pub(crate) async fn eventually<T>(
    timeout: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> Option<T>,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(
            start.elapsed() < timeout,
            "timed out after {timeout:?}: {what}"
        );
        rt::time::sleep(INTERVAL).await;
    }
}
