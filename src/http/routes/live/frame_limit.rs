//! The limit of the announced length of WebSocket frames. actix-ws buffers a frame that exceeds its maximum until the frame ends, so a
//! client could fill the memory with one frame.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    error::PayloadError,
    web::{self, Bytes},
};
use actix_ws::ProtocolError;
use futures_util::Stream;

/// Maximum length of the head of a frame: two bytes, a length of 64 bits and a mask of 32 bits (RFC 6455, section 5.2).
const MAX_HEAD: usize = 14;

/// Returns a payload that ends with an error when a frame announces more than `max` bytes.
pub(super) async fn with_frame_limit(
    request: &HttpRequest,
    payload: web::Payload,
    max: usize,
) -> Result<web::Payload, actix_web::Error> {
    let limited = LimitedPayload {
        payload: payload.into_inner(),
        scanner: Scanner::new(max),
    };
    let limited: Pin<Box<dyn Stream<Item = _>>> = Box::pin(limited);
    let mut payload = Payload::Stream { payload: limited };
    web::Payload::from_request(request, &mut payload).await
}

/// Returns whether an error of the messages comes from [`with_frame_limit`].
pub(super) fn is_frame_too_large(error: &ProtocolError) -> bool {
    let ProtocolError::Io(error) = error else {
        return false;
    };
    let inner = error.get_ref().map(|inner| inner as &(dyn Error + 'static));
    let payload = inner.and_then(|inner| inner.downcast_ref::<PayloadError>());
    matches!(payload, Some(PayloadError::Overflow))
}

struct LimitedPayload {
    payload: Payload,
    scanner: Scanner,
}

impl Stream for LimitedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.payload).poll_next(context);
        if let Poll::Ready(Some(Ok(bytes))) = &next
            && !self.scanner.accepts(bytes)
        {
            return Poll::Ready(Some(Err(PayloadError::Overflow)));
        }
        next
    }
}

/// Finds the announced lengths in the bytes of a connection.
struct Scanner {
    max: u64,
    head: [u8; MAX_HEAD],
    /// Number of bytes of `head` that have arrived.
    arrived: usize,
    /// Number of bytes of the current payload that have not arrived.
    payload: u64,
}

impl Scanner {
    fn new(max: usize) -> Self {
        Self {
            max: max as u64,
            head: [0; MAX_HEAD],
            arrived: 0,
            payload: 0,
        }
    }

    /// Reads the next bytes. Returns false if a frame announces too many bytes.
    fn accepts(&mut self, mut bytes: &[u8]) -> bool {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.payload > 0 {
                let skipped =
                    usize::try_from(self.payload).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.payload -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.head[self.arrived] = first;
            self.arrived += 1;
            bytes = rest;
            let Some((end, length)) = length(&self.head[..self.arrived]) else {
                continue;
            };
            if length > self.max {
                return false;
            }
            if self.arrived == end {
                (self.arrived, self.payload) = (0, length);
            }
        }
        true
    }
}

/// Returns the length of a head and of its payload, or `None` if the length of the payload has not arrived.
fn length(head: &[u8]) -> Option<(usize, u64)> {
    let [_, second, extended @ ..] = head else {
        return None;
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    match second & 0x7f {
        126 => {
            let length = u16::from_be_bytes(*extended.first_chunk()?);
            Some((4 + mask, length.into()))
        }
        127 => {
            let length = u64::from_be_bytes(*extended.first_chunk()?);
            Some((10 + mask, length))
        }
        length => Some((2 + mask, length.into())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const MAX: usize = 70_000;

    /// Returns a frame whose payload has this length, with the given number of bytes for the extended length.
    fn frame(length: usize, extended: usize, is_masked: bool) -> Vec<u8> {
        let mask = if is_masked { 0x80 } else { 0 };
        let mut frame = vec![0x82];
        match extended {
            0 => frame.push(mask | u8::try_from(length).unwrap()),
            2 => {
                frame.push(mask | 126);
                frame.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(mask | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(vec![0xff; 4 * usize::from(is_masked) + length]);
        frame
    }

    fn frames() -> impl Strategy<Value = Vec<u8>> {
        let frame = prop_oneof![
            (0_usize..126, any::<bool>()).prop_map(|(length, mask)| frame(length, 0, mask)),
            (0_usize..3_000, any::<bool>()).prop_map(|(length, mask)| frame(length, 2, mask)),
            (0_usize..3_000, any::<bool>()).prop_map(|(length, mask)| frame(length, 8, mask)),
        ];
        vec(frame, 0..6).prop_map(|frames| frames.concat())
    }

    proptest! {
        #[test]
        fn only_large_frame_is_refused_at_any_split(
            before in frames(),
            excess in 1_usize..1_000_000,
            part in 1_usize..50,
        ) {
            let mut scanner = Scanner::new(MAX);
            prop_assert!(before.chunks(part).all(|part| scanner.accepts(part)));
            prop_assert!(scanner.accepts(&frame(MAX, 8, true)));
            // The length is known before the mask arrives.
            let large = frame(MAX + excess, 8, true);
            let mut parts = large[..10].chunks(part);
            prop_assert!(!parts.all(|part| scanner.accepts(part)));
        }
    }

    #[test]
    fn largest_announced_length_is_refused() {
        let mut scanner = Scanner::new(MAX);
        assert!(!scanner.accepts(&[0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255]));
    }
}
