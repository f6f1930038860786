//! One live connection: receives frames, analyses the newest one and sends its faces.

use std::pin::Pin;

use actix_web::web;
use actix_ws::{MessageStream, Session};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout, timeout_at},
};

use super::{
    analyzer::Analyzer,
    assembler::{Assembler, Received},
    end::End,
    mailbox::Mailbox,
    paced_body::Accepted,
    rate::RateLimit,
};
use crate::{
    app::AppState, intake::memory_limit::Reservation, metrics::LiveOutcome, telemetry::millis,
};

/// The reserved resources of a connection. Dropping it releases them.
#[expect(dead_code, reason = "the fields are only dropped")]
pub(super) struct Permit {
    /// One of `--max-live-connections`.
    pub(super) connection: OwnedSemaphorePermit,
    /// The memory of its frames.
    pub(super) memory: Reservation,
}

/// Completes when the server closes its connections.
type Closing = Pin<Box<dyn Future<Output = ()>>>;

/// A live connection.
pub(super) struct LiveSession {
    session: Session,
    accepted: Accepted,
    closing: Closing,
    mailbox: Mailbox,
    state: web::Data<AppState>,
    _permit: Permit,
}

impl LiveSession {
    /// Creates the session of a connection that was upgraded.
    pub(super) fn new(
        session: Session,
        accepted: Accepted,
        closing: Closing,
        permit: Permit,
        state: web::Data<AppState>,
    ) -> Self {
        Self {
            session,
            accepted,
            closing,
            mailbox: Mailbox::default(),
            state,
            _permit: permit,
        }
    }

    /// Runs until the connection ends.
    pub(super) async fn run(mut self, messages: MessageStream, analyzer: Analyzer) {
        let start = Instant::now();
        let _open = self.state.metrics.live.open();
        let end = tokio::select! {
            end = receive(messages, self.session.clone(), &self.mailbox, &self.state) => end,
            end = respond(&mut self.closing, self.session.clone(), &self.mailbox, &self.accepted, analyzer) => end,
        };
        tracing::info!(
            reason = end.name(),
            frames = self.mailbox.received(),
            dropped = self.mailbox.dropped(),
            ms = millis(start.elapsed()),
            "live connection ended"
        );
        if let Some(reason) = end.close_reason() {
            // The client does not get the reason if it has disconnected.
            let _ = self.session.close(Some(reason)).await;
        }
    }
}

/// Puts the frames of the client into the mailbox until the connection must end.
async fn receive(
    messages: MessageStream,
    mut session: Session,
    mailbox: &Mailbox,
    state: &AppState,
) -> End {
    let limits = &state.limits;
    let max_frame = limits.max_live_frame;
    let mut messages = messages.max_frame_size(max_frame);
    let mut assembler = Assembler::new(max_frame);
    let mut rate = RateLimit::new(limits.max_live_rate, Instant::now());
    let mut deadline = Instant::now() + limits.body_timeout;
    loop {
        let message = match timeout_at(deadline, messages.recv()).await {
            Err(_) => return End::Silent(limits.body_timeout),
            Ok(None) => return End::Disconnected,
            Ok(Some(Err(error))) => return End::of_error(&error, max_frame),
            Ok(Some(Ok(message))) => message,
        };
        let received = match assembler.add(message) {
            Ok(received) => received,
            Err(end) => return end,
        };
        if received != Received::Nothing && !rate.allows(Instant::now()) {
            return End::TooFast(limits.max_live_rate.get());
        }
        match received {
            Received::Frame(file) => {
                deadline = Instant::now() + limits.body_timeout;
                if mailbox.put(file) {
                    state.metrics.live.count_frame(LiveOutcome::Dropped);
                }
            }
            Received::Ping(bytes) => {
                if session.pong(&bytes).await.is_err() {
                    return End::Disconnected;
                }
            }
            Received::Nothing => {}
        }
    }
}

/// Sends the results of the newest frames until the server shuts down or the client does not read.
async fn respond(
    closing: &mut Closing,
    mut session: Session,
    mailbox: &Mailbox,
    accepted: &Accepted,
    mut analyzer: Analyzer,
) -> End {
    loop {
        let frame = tokio::select! {
            biased;
            () = &mut *closing => return End::ShuttingDown,
            frame = mailbox.next() => frame,
        };
        let text = analyzer.analyse(frame, mailbox.dropped()).await;
        accepted.reset();
        if session.text(text).await.is_err() {
            return End::Disconnected;
        }
        tokio::select! {
            biased;
            () = &mut *closing => return End::ShuttingDown,
            accepted = timeout(analyzer.send_timeout(), accepted.all()) => {
                if accepted.is_err() {
                    return End::NotReading;
                }
            }
        }
    }
}
