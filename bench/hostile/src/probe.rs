//! Measures a server during an attack: its memory, and how fast it answers another client.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use mien_loadgen::{
    connection::{Connection, request},
    process::Process,
};
use tokio::{
    sync::watch,
    task::{JoinError, JoinHandle},
    time::{sleep, timeout},
};

use crate::attack::Target;

/// Pause between two measurements.
const INTERVAL: Duration = Duration::from_millis(50);
/// Time after which a request counts as not answered.
const GIVE_UP: Duration = Duration::from_secs(30);

/// Responses of the server to another client.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Responses {
    /// Longest time from opening a connection to the response.
    pub(crate) max_latency: Duration,
    /// Number of requests without a response of status 200.
    pub(crate) failed: usize,
}

/// A running measurement.
pub(crate) struct Probe {
    stop: watch::Sender<bool>,
    memory: JoinHandle<u64>,
    responses: JoinHandle<Responses>,
}

impl Probe {
    /// Starts the measurement.
    pub(crate) fn start(target: Target) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self {
            stop,
            memory: tokio::spawn(max_resident(target.process, stopped.clone())),
            responses: tokio::spawn(responses(target.http, stopped)),
        }
    }

    /// Ends the measurement after the response to the last request. Returns the highest resident memory in bytes and the
    /// responses.
    ///
    /// # Errors
    /// Returns an error if the measurement panicked.
    pub(crate) async fn stop(self) -> Result<(u64, Responses), JoinError> {
        self.stop.send_replace(true);
        Ok((self.memory.await?, self.responses.await?))
    }
}

/// Returns the highest resident memory in bytes until `stopped`.
async fn max_resident(process: Process, stopped: watch::Receiver<bool>) -> u64 {
    let mut max = 0;
    while !*stopped.borrow() {
        // The probe of the responses reports a server that has ended.
        max = max.max(process.usage().map_or(0, |usage| usage.resident));
        sleep(INTERVAL).await;
    }
    max
}

/// Requests `/health/live` over new connections until `stopped`.
async fn responses(server: SocketAddr, stopped: watch::Receiver<bool>) -> Responses {
    let ask = request("GET", server, "/health/live", &[], &[]);
    let mut responses = Responses::default();
    while !*stopped.borrow() {
        let start = Instant::now();
        let mut connection = Connection::new(server);
        let answered = timeout(GIVE_UP, connection.send(&ask)).await;
        if !matches!(answered, Ok(Ok(response)) if response.status == 200) {
            responses.failed += 1;
        }
        responses.max_latency = responses.max_latency.max(start.elapsed());
        sleep(INTERVAL).await;
    }
    responses
}
