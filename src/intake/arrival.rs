//! Limits the time in which a body arrives. Every body must be read within this limit.

use std::time::Duration;

use tokio::{sync::watch, time::timeout_at};

use super::{IntakeError, RequestTimes};

/// The time limit of all bodies.
pub struct ArrivalLimit {
    timeout: Duration,
    /// Whether incomplete bodies are rejected.
    closed: watch::Sender<bool>,
}

impl ArrivalLimit {
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            closed: watch::Sender::new(false),
        }
    }

    /// Rejects the requests whose body is incomplete, now and later.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Returns whether incomplete bodies are rejected, and each change of that.
    pub fn is_closed(&self) -> watch::Receiver<bool> {
        self.closed.subscribe()
    }

    /// Waits for `reading`, at most the time of a body and not longer than the deadline of the request.
    ///
    /// # Errors
    /// Returns the errors of `reading`, [`IntakeError::Timeout`], [`IntakeError::DeadlineExceeded`] and
    /// [`IntakeError::ShuttingDown`].
    pub(super) async fn limit<T>(
        &self,
        reading: impl Future<Output = Result<T, IntakeError>>,
        times: RequestTimes,
    ) -> Result<T, IntakeError> {
        let arrival = times.start + self.timeout;
        let end = arrival.min(times.deadline);
        let mut closed = self.closed.subscribe();
        tokio::select! {
            biased;
            read = timeout_at(end.into(), reading) => read.unwrap_or_else(|_| {
                Err(if arrival <= times.deadline {
                    IntakeError::Timeout(self.timeout)
                } else {
                    IntakeError::DeadlineExceeded("the body was received")
                })
            }),
            _ = closed.wait_for(|&is_closed| is_closed) => Err(IntakeError::ShuttingDown),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Instant};

    use super::*;

    #[tokio::test]
    async fn closed_limit_rejects_only_incomplete_bodies() {
        let limit = ArrivalLimit::new(Duration::from_secs(60));
        let start = Instant::now();
        let times = RequestTimes {
            start,
            deadline: start + Duration::from_secs(60),
        };
        limit.close();
        assert!(limit.limit(async { Ok(()) }, times).await.is_ok());
        let incomplete = limit.limit(pending::<Result<(), _>>(), times).await;
        assert!(matches!(incomplete, Err(IntakeError::ShuttingDown)));
    }
}
