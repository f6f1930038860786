//! Joins the fragments of a message (RFC 6455, section 5.4). The stream of actix-ws that does the same retains each fragment with its
//! buffer, so that many small fragments would take far more memory than the message.

use std::mem;

use actix_web::web::{Bytes, BytesMut};
use actix_ws::{Item, Message};

use super::end::End;

/// A message of the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// A complete frame.
    Frame(Bytes),
    /// The client checks the connection, and expects these bytes.
    Ping(Bytes),
    /// A part of a frame, or a message that needs no response.
    Nothing,
}

/// Assembles the frames of a connection.
pub(super) struct Assembler {
    max_frame: usize,
    /// The first fragments of a frame.
    partial: BytesMut,
}

impl Assembler {
    /// Creates an assembler of frames of up to `max_frame` bytes.
    pub(super) fn new(max_frame: usize) -> Self {
        Self {
            max_frame,
            partial: BytesMut::new(),
        }
    }

    /// Adds a message.
    ///
    /// # Errors
    /// Returns why the connection must end: the client closes it, sends text or a frame that is too large.
    pub(super) fn add(&mut self, message: Message) -> Result<Received, End> {
        match message {
            Message::Binary(file) => Ok(Received::Frame(file)),
            Message::Continuation(Item::FirstBinary(part) | Item::Continue(part)) => {
                self.extend(&part)?;
                Ok(Received::Nothing)
            }
            Message::Continuation(Item::Last(part)) => {
                self.extend(&part)?;
                Ok(Received::Frame(mem::take(&mut self.partial).freeze()))
            }
            Message::Ping(bytes) => Ok(Received::Ping(bytes)),
            Message::Pong(_) | Message::Nop => Ok(Received::Nothing),
            Message::Text(_) | Message::Continuation(Item::FirstText(_)) => Err(End::Text),
            Message::Close(_) => Err(End::Closed),
        }
    }

    fn extend(&mut self, part: &Bytes) -> Result<(), End> {
        if self.partial.len() + part.len() > self.max_frame {
            return Err(End::TooLarge(self.max_frame));
        }
        self.partial.extend_from_slice(part);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn fragments_are_joined_up_to_limit() {
        let mut assembler = Assembler::new(6);
        let mut add = |item| assembler.add(Message::Continuation(item));
        for _ in 0..2 {
            assert_eq!(add(Item::FirstBinary(bytes("ab"))), Ok(Received::Nothing));
            assert_eq!(add(Item::Continue(bytes("cd"))), Ok(Received::Nothing));
            let last = add(Item::Last(bytes("ef")));
            assert_eq!(last, Ok(Received::Frame(bytes("abcdef"))));
        }
        add(Item::FirstBinary(bytes("abcdef"))).unwrap();
        assert_eq!(add(Item::Last(bytes("g"))), Err(End::TooLarge(6)));
    }

    #[test]
    fn text_in_fragments_ends_connection() {
        let mut assembler = Assembler::new(6);
        let text = Message::Continuation(Item::FirstText(bytes("a")));
        assert_eq!(assembler.add(text), Err(End::Text));
    }
}
