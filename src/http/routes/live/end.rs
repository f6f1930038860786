//! Why a live connection ends.

use std::time::Duration;

use actix_ws::{CloseCode, CloseReason, ProtocolError};
use bytesize::ByteSize;

use super::frame_limit::is_frame_too_large;

/// Why a live connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// The client closed the connection.
    Closed,
    /// The client disconnected.
    Disconnected,
    /// The client does not read its results.
    NotReading,
    /// The server shuts down.
    ShuttingDown,
    /// The client sent text.
    Text,
    /// A frame has more than this number of bytes.
    TooLarge(usize),
    /// The client sent more than this number of messages in a second.
    TooFast(usize),
    /// The client sent no frame within this time.
    Silent(Duration),
    /// The client violated the protocol.
    Protocol(String),
}

impl End {
    /// Returns the end that an error of the stream of messages causes.
    pub(super) fn of_error(error: &ProtocolError, max_frame: usize) -> Self {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "all other errors are violations"
        )]
        match error {
            ProtocolError::Overflow => Self::TooLarge(max_frame),
            error if is_frame_too_large(error) => Self::TooLarge(max_frame),
            other => Self::Protocol(other.to_string()),
        }
    }

    /// Returns code and reason of the close frame (RFC 6455, section 7.4), or `None` if the client does not receive one.
    pub(super) fn close_reason(&self) -> Option<CloseReason> {
        let (code, description) = match self {
            Self::Disconnected | Self::NotReading => return None,
            Self::Closed => (CloseCode::Normal, None),
            Self::ShuttingDown => {
                let reason = "the server is shutting down";
                (CloseCode::Away, Some(reason.to_owned()))
            }
            Self::Text => {
                let reason = "send each frame as a binary message";
                (CloseCode::Unsupported, Some(reason.to_owned()))
            }
            Self::TooLarge(max) => {
                let max = ByteSize(u64::try_from(*max).unwrap_or(u64::MAX));
                let reason = format!("a frame exceeds {max} (--max-live-frame)");
                (CloseCode::Size, Some(reason))
            }
            Self::TooFast(max) => {
                let reason = format!("more than {max} messages in a second (--max-live-rate)");
                (CloseCode::Policy, Some(reason))
            }
            Self::Silent(time) => {
                let time = humantime::format_duration(*time);
                let reason = format!("no frame within {time} (--body-timeout)");
                (CloseCode::Policy, Some(reason))
            }
            Self::Protocol(reason) => (CloseCode::Protocol, Some(reason.clone())),
        };
        Some(CloseReason { code, description })
    }

    /// Returns the name in the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Disconnected => "disconnected",
            Self::NotReading => "not reading",
            Self::ShuttingDown => "shutting down",
            Self::Text => "text",
            Self::TooLarge(_) => "frame too large",
            Self::TooFast(_) => "too many messages",
            Self::Silent(_) => "no frame",
            Self::Protocol(_) => "protocol error",
        }
    }
}
