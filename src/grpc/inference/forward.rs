//! Sends the responses of a stream, and ends a stream whose client does not read them.

use std::{pin::pin, time::Duration};

use futures_util::{Stream, StreamExt, stream};
use tokio::sync::{mpsc, oneshot};
use tonic::Status;
use tracing::Instrument;

/// Returns the same responses. If the client does not read a response within `timeout`, `responses` is dropped with the memory of
/// its requests, and the stream ends with an error.
///
/// HTTP/2 polls a response stream only while the client accepts data, so the responses are polled by a task of their own.
pub(super) fn forward<T: Send + 'static>(
    responses: impl Stream<Item = Result<T, Status>> + Send + 'static,
    timeout: Duration,
) -> impl Stream<Item = Result<T, Status>> {
    let (sender, mut receiver) = mpsc::channel(1);
    let (failed, failure) = oneshot::channel();
    let task = async move {
        if let Err(status) = send_all(responses, &sender, timeout).await {
            let _ = failed.send(status);
        }
    };
    tokio::spawn(task.in_current_span());
    let sent = stream::poll_fn(move |context| receiver.poll_recv(context));
    let failure = stream::once(failure).filter_map(async |status| status.ok().map(Err));
    sent.chain(failure)
}

/// Sends responses until the stream ends or the client has disconnected.
async fn send_all<T>(
    responses: impl Stream<Item = T>,
    sender: &mpsc::Sender<T>,
    timeout: Duration,
) -> Result<(), Status> {
    let mut responses = pin!(responses);
    loop {
        let response = tokio::select! {
            () = sender.closed() => return Ok(()),
            response = responses.next() => response,
        };
        let Some(response) = response else {
            return Ok(());
        };
        match sender.send_timeout(response, timeout).await {
            Ok(()) => {}
            Err(mpsc::error::SendTimeoutError::Closed(_)) => return Ok(()),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                tracing::info!("the stream ended because its client does not read responses");
                return Err(Status::deadline_exceeded(
                    "the responses were not read within --keep-alive",
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tonic::Code;

    use super::*;

    #[tokio::test]
    async fn all_responses_are_forwarded() {
        let responses = stream::iter((0..100).map(Ok::<_, Status>));
        let forwarded = forward(responses, Duration::from_secs(60));
        let numbers: Vec<i32> = forwarded.map(Result::unwrap).collect().await;
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn unread_responses_are_dropped() {
        let held = Arc::new(());
        let holder = Arc::clone(&held);
        let responses = stream::repeat_with(move || Ok::<_, Status>(Arc::strong_count(&holder)));
        let mut forwarded = pin!(forward(responses, Duration::from_millis(10)));
        let dropped = async {
            while Arc::strong_count(&held) > 1 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), dropped)
            .await
            .unwrap();
        // The channel contains one response.
        assert!(forwarded.next().await.unwrap().is_ok());
        let status = forwarded.next().await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert!(forwarded.next().await.is_none());
    }
}
