//! The body of a response, which keeps its request active until the connection has accepted nearly all of the body.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};

use super::ActiveRequest;

/// Larger bodies are sent in chunks of this size as the client reads them, so that the connection does not copy all of them.
const CHUNK_SIZE: usize = 32 << 10;

impl ActiveRequest {
    /// Wraps a large body so that the request is active until the connection has accepted nearly all of the body. Small bodies
    /// are returned unchanged.
    pub(in crate::http) fn track_until_sent(self, body: BoxBody) -> BoxBody {
        match body.size() {
            BodySize::Sized(size) if size > CHUNK_SIZE as u64 => {}
            BodySize::Stream => {}
            BodySize::None | BodySize::Sized(_) => return body,
        }
        let size = body.size();
        BoxBody::new(TrackedBody {
            body,
            size,
            rest: Bytes::new(),
            _request: self,
        })
    }
}

/// A large body that is being sent.
struct TrackedBody {
    body: BoxBody,
    size: BodySize,
    /// Bytes that the connection has not accepted yet.
    rest: Bytes,
    _request: ActiveRequest,
}

impl MessageBody for TrackedBody {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let tracked = self.get_mut();
        if tracked.rest.is_empty() {
            match ready!(Pin::new(&mut tracked.body).poll_next(cx)) {
                Some(Ok(bytes)) => tracked.rest = bytes,
                end => return Poll::Ready(end),
            }
        }
        let chunk = CHUNK_SIZE.min(tracked.rest.len());
        Poll::Ready(Some(Ok(tracked.rest.split_to(chunk))))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::http::connection::activity::tests::{activity, start_request};

    #[actix_web::test]
    async fn large_body_is_pending_until_last_chunk() {
        let activity = activity();
        let bytes: Bytes = vec![7; 3 * CHUNK_SIZE + 1].into();
        let body = BoxBody::new(bytes.clone());
        let mut body = start_request(&activity).track_until_sent(body);
        assert_eq!(body.size(), BodySize::Sized(bytes.len() as u64));
        let mut sent = Vec::new();
        while let Some(chunk) = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
            sent.extend(chunk.unwrap());
            assert_eq!(activity.deadline(), None);
        }
        assert_eq!(sent, bytes);
        drop(body);
        assert!(activity.deadline().is_some());
    }

    #[actix_web::test]
    async fn small_body_counts_as_sent() {
        let activity = activity();
        let request = start_request(&activity);
        let _body = request.track_until_sent(BoxBody::new("small"));
        assert!(activity.deadline().is_some());
    }
}
