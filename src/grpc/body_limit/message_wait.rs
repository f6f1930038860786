//! How long a call waits for the rest of a message, or for the next one.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::{
    sync::watch,
    time::{Sleep, sleep},
};
use tonic::Status;

use super::Timeouts;
use crate::grpc::shutdown::wait_for_shutdown;

/// The wait of one call.
pub(super) struct MessageWait {
    is_stream: bool,
    timeouts: Timeouts,
    /// Deadline of the expected message. For a stream it starts with the first wait.
    deadline: Option<Pin<Box<Sleep>>>,
    /// Whether incomplete messages are rejected.
    closed: watch::Receiver<bool>,
    /// Ends when incomplete messages are rejected. `None` before the first wait.
    rejection: Option<BoxFuture<'static, ()>>,
}

impl MessageWait {
    pub(super) fn new(is_stream: bool, timeouts: Timeouts, closed: watch::Receiver<bool>) -> Self {
        Self {
            is_stream,
            timeouts,
            deadline: (!is_stream).then(|| Box::pin(sleep(timeouts.message))),
            closed,
            rejection: None,
        }
    }

    /// Begins a new time limit if this is a stream: its next message has begun or ended.
    pub(super) fn restart(&mut self) {
        if self.is_stream {
            self.deadline = None;
        }
    }

    /// Waits until the call must end, and returns why. `in_message` is whether a message is incomplete.
    pub(super) fn poll_end(&mut self, in_message: bool, context: &mut Context<'_>) -> Poll<Status> {
        // A unary call without its message is incomplete.
        let in_message = in_message || !self.is_stream;
        if in_message && self.poll_rejection(context).is_ready() {
            let status = Status::unavailable("the server is shutting down");
            return Poll::Ready(status);
        }
        let (time, message) = if in_message {
            let message = "the message was not received within --body-timeout";
            (self.timeouts.message, message)
        } else {
            let message = "no message was received within --keep-alive";
            (self.timeouts.idle, message)
        };
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(time)));
        deadline
            .as_mut()
            .poll(context)
            .map(|()| Status::deadline_exceeded(message))
    }

    fn poll_rejection(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let closed = &self.closed;
        self.rejection
            .get_or_insert_with(|| wait_for_shutdown(closed.clone()).boxed())
            .poll_unpin(context)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use super::*;

    #[tokio::test]
    async fn closing_ends_only_waits_for_incomplete_messages() {
        let hour = Duration::from_secs(3600);
        let timeouts = Timeouts {
            message: hour,
            idle: hour,
        };
        let (close, closed) = watch::channel(false);
        let wait = |is_stream| MessageWait::new(is_stream, timeouts, closed.clone());
        let (mut unary, mut stream, mut idle) = (wait(false), wait(true), wait(true));
        close.send_replace(true);
        for status in [
            poll_fn(|context| unary.poll_end(false, context)).await,
            poll_fn(|context| stream.poll_end(true, context)).await,
        ] {
            assert_eq!(status.code(), tonic::Code::Unavailable);
        }
        let idle = poll_fn(|context| Poll::Ready(idle.poll_end(false, context))).await;
        assert!(idle.is_pending());
    }
}
