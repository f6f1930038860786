//! The body of a response, which keeps its request active until the connection has accepted nearly all of the body. The memory of
//! all large bodies is limited, because clients may not read them.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};

use super::ActiveRequest;
use crate::{
    http::ApiError,
    intake::memory_limit::{BodyMemoryLimit, Reservation},
};

/// Larger bodies are sent in chunks of this size as the client reads them, so that the connection does not copy all of them.
const CHUNK_SIZE: usize = 32 << 10;

/// Maximum memory of the large bodies of all responses that are being sent.
const RESPONSE_MEMORY: usize = 64 << 20;

/// Memory of the buffers of a connection that sends a large body, in bytes: 290 KiB per connection were measured with 1,000 clients
/// that did not read.
const SEND_BUFFER: usize = 320 << 10;

/// Creates the memory of the responses of all connections.
pub(in crate::http) fn response_memory() -> BodyMemoryLimit {
    BodyMemoryLimit::new(RESPONSE_MEMORY)
}

/// Marks a response whose body shares static memory with other responses.
pub(in crate::http) struct StaticBody;

impl ActiveRequest {
    /// Reserves memory for a large body. Returns `None` for a small one.
    ///
    /// # Errors
    /// Returns an error if the responses of other requests use all of the memory.
    pub(in crate::http) fn reserve_response(
        &self,
        response: &HttpResponse,
    ) -> Result<Option<Reservation>, ApiError> {
        let size = match response.body().size() {
            BodySize::Sized(size) if size > CHUNK_SIZE as u64 => size,
            // Each part is reserved when it is read.
            BodySize::Stream => 0,
            BodySize::None | BodySize::Sized(_) => return Ok(None),
        };
        let size = match response.extensions().get::<StaticBody>() {
            Some(StaticBody) => 0,
            None => usize::try_from(size).unwrap_or(usize::MAX),
        };
        let reservation = self.0.connections.response_memory.reservation();
        if reservation.reserve(size.saturating_add(SEND_BUFFER)) {
            Ok(Some(reservation))
        } else {
            let detail = "clients do not read large responses fast enough; try again later";
            Err(ApiError::overloaded(detail))
        }
    }

    /// Wraps a large body so that the request is active until the connection has accepted nearly all of the body. Small bodies
    /// are returned unchanged.
    pub(in crate::http) fn track_until_sent(
        self,
        body: BoxBody,
        reservation: Option<Reservation>,
    ) -> BoxBody {
        let Some(reservation) = reservation else {
            return body;
        };
        let size = body.size();
        BoxBody::new(TrackedBody {
            body,
            size,
            rest: Bytes::new(),
            reservation,
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
    reservation: Reservation,
    _request: ActiveRequest,
}

impl TrackedBody {
    /// Replaces the reservation of the previous part of a stream.
    fn reserve_part(&self, part: &Bytes) -> Result<(), Box<dyn Error>> {
        if self.size != BodySize::Stream {
            return Ok(());
        }
        self.reservation.release();
        if self
            .reservation
            .reserve(part.len().saturating_add(SEND_BUFFER))
        {
            Ok(())
        } else {
            Err("clients do not read large responses fast enough".into())
        }
    }
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
                Some(Ok(bytes)) => {
                    if let Err(error) = tracked.reserve_part(&bytes) {
                        return Poll::Ready(Some(Err(error)));
                    }
                    tracked.rest = bytes;
                }
                end => return Poll::Ready(end),
            }
        }
        let chunk = CHUNK_SIZE.min(tracked.rest.len());
        Poll::Ready(Some(Ok(tracked.rest.split_to(chunk))))
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, rc::Rc};

    use super::*;
    use crate::http::{
        connection::activity::{
            Activity,
            tests::{activity, start_request},
        },
        error::Code,
    };

    /// Reserves and wraps a body.
    fn track(activity: &Rc<Activity>, body: Bytes) -> Result<BoxBody, ApiError> {
        let request = start_request(activity);
        let response = HttpResponse::Ok().body(body);
        let reservation = request.reserve_response(&response)?;
        Ok(request.track_until_sent(response.into_body(), reservation))
    }

    #[actix_web::test]
    async fn large_body_is_pending_until_last_chunk() {
        let activity = activity();
        let bytes: Bytes = vec![7; 3 * CHUNK_SIZE + 1].into();
        let mut body = track(&activity, bytes.clone()).unwrap();
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
        let _body = track(&activity, Bytes::from_static(b"small")).unwrap();
        assert!(activity.deadline().is_some());
    }

    #[actix_web::test]
    async fn large_bodies_share_memory() {
        let activity = activity();
        // Two bodies leave memory for the buffers of two more connections.
        let bytes: Bytes = vec![7; RESPONSE_MEMORY / 2 - 2 * SEND_BUFFER].into();
        let bodies = [(); 2].map(|()| track(&activity, bytes.clone()).unwrap());
        let error = track(&activity, bytes.clone()).err().unwrap();
        assert_eq!(error.code(), Code::Overloaded);
        let mut response = HttpResponse::Ok().body(bytes.clone());
        response.extensions_mut().insert(StaticBody);
        let reserved = start_request(&activity).reserve_response(&response);
        assert!(reserved.unwrap().is_some());
        drop(bodies);
        assert!(track(&activity, bytes).is_ok());
    }
}
