//! The measured part of a load.

use std::{
    io,
    time::{Duration, Instant},
};

use tokio::time::sleep_until;

use crate::process::{Process, Usage};

/// Durations of a load.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Warm-up that is not counted.
    pub warm_up: Duration,
    /// Measured duration.
    pub measured: Duration,
}

/// Outcome of a request.
#[derive(Debug)]
pub enum Outcome {
    /// A response with the expected body.
    Succeeded,
    /// A response with status 503.
    Rejected,
    /// No response, or another one, with the reason.
    Failed(String),
}

/// A request with its due time and response time.
#[derive(Debug)]
pub struct Sample {
    /// When the request was due.
    pub begin: Instant,
    /// When the response arrived.
    pub end: Instant,
    /// Outcome of the request.
    pub outcome: Outcome,
}

/// The requests of a window by outcome.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// Latencies of successful requests.
    pub succeeded: Vec<Duration>,
    /// Latencies of rejected requests.
    pub rejected: Vec<Duration>,
    /// Why requests failed, one reason per failed request.
    pub failures: Vec<String>,
}

/// The warm-up and the measured time of a load.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Start of the warm-up.
    pub opened: Instant,
    start: Instant,
    /// End of the measured time.
    pub end: Instant,
}

impl Window {
    /// Opens a window now.
    pub fn starting_now(Timing { warm_up, measured }: Timing) -> Self {
        let opened = Instant::now();
        Self {
            opened,
            start: opened + warm_up,
            end: opened + warm_up + measured,
        }
    }

    /// Returns the CPU time of a process within the measured time.
    ///
    /// # Errors
    /// Returns an error if the process does not exist.
    pub async fn usage(self, process: Option<Process>) -> io::Result<Option<Duration>> {
        let Some(process) = process else {
            return Ok(None);
        };
        sleep_until(self.start.into()).await;
        let Usage { cpu: before, .. } = process.usage()?;
        sleep_until(self.end.into()).await;
        Ok(Some(process.usage()?.cpu.saturating_sub(before)))
    }

    /// Returns the measured duration.
    pub fn measured(self) -> Duration {
        self.end - self.start
    }

    /// Returns the samples whose response arrived within the measured time.
    pub(crate) fn samples(self, samples: impl IntoIterator<Item = Vec<Sample>>) -> Samples {
        let mut measured = Samples::default();
        for Sample {
            begin,
            end,
            outcome,
        } in samples.into_iter().flatten()
        {
            if end < self.start || end > self.end {
                continue;
            }
            match outcome {
                Outcome::Succeeded => measured.succeeded.push(end - begin),
                Outcome::Rejected => measured.rejected.push(end - begin),
                Outcome::Failed(reason) => measured.failures.push(reason),
            }
        }
        measured
    }
}
