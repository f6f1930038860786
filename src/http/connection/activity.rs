//! The state of a connection and its deadline.

mod read_limit;
mod request;
mod response;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    task::Waker,
    time::Duration,
};

use tokio::time::Instant;

use self::{read_limit::ReadLimit, request::BodyState};
pub(in crate::http) use self::{
    read_limit::head_memory,
    response::{StaticBody, response_memory},
};
use super::TimeLimits;
use crate::http::connections::Connections;

/// Time for the first byte of a new connection when the server stops.
const FIRST_BYTE_GRACE: Duration = Duration::from_secs(1);

/// Time for the rest of a head when the server stops.
const HEAD_GRACE: Duration = Duration::from_secs(5);

/// The state of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The client has not sent a byte yet.
    New { deadline: Instant },
    /// The client has sent no byte since the last response, or has not read all of the response.
    Idle { deadline: Instant },
    /// The client sends a head, or the rest of a body to which the server has responded already.
    Receiving { deadline: Instant },
    /// A request is being processed. Its handler limits the time.
    Processing,
}

/// The state of one connection. The connection and the middleware share it.
pub(in crate::http) struct Activity {
    state: Cell<State>,
    body: Cell<BodyState>,
    read_limit: ReadLimit,
    limits: TimeLimits,
    pub(super) connections: Arc<Connections>,
    /// Wakes the task of the connection.
    waker: RefCell<Option<Waker>>,
}

impl Activity {
    pub(super) fn new(limits: TimeLimits, connections: Arc<Connections>) -> Self {
        let deadline = Instant::now() + limits.header_timeout;
        Self {
            state: Cell::new(State::New { deadline }),
            body: Cell::new(BodyState::Complete),
            read_limit: ReadLimit::new(connections.head_memory.clone()),
            limits,
            connections,
            waker: RefCell::new(None),
        }
    }

    fn start_processing(&self, body: BodyState, length: usize) {
        self.state.set(State::Processing);
        self.body.set(body);
        self.wake_if(self.read_limit.allow_body(length));
    }

    /// Notes that the handler begins to read the body.
    fn start_body(&self) {
        self.wake_if(self.read_limit.allow_all());
    }

    /// Notes that the handler has read the whole body.
    fn end_body(&self) {
        self.body.set(BodyState::Complete);
        self.wake_if(self.read_limit.allow_body(0));
    }

    /// Notes that the response was sent.
    fn end_request(&self) {
        self.be_idle(Instant::now());
        let was_paused = match self.body.get() {
            BodyState::Complete => self.read_limit.allow_head(),
            // actix discards the rest of the body and then closes the connection.
            BodyState::Incomplete => self.read_limit.allow_all(),
        };
        // The task of the connection does not read before it is woken. Otherwise its timer wakes it.
        self.wake_if(was_paused || self.connections.is_closing());
    }

    /// Wakes the task of the connection.
    fn wake_if(&self, condition: bool) {
        if condition && let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Returns whether the connection may read. Otherwise it pauses.
    pub(super) fn may_read(&self) -> bool {
        self.read_limit.may_read()
    }

    /// Notes that bytes were received, and returns whether the deadline has not passed.
    pub(super) fn receive(&self, bytes: usize) -> bool {
        self.read_limit.count(bytes);
        self.state.get() == State::Processing || self.receive_at(Instant::now())
    }

    fn receive_at(&self, now: Instant) -> bool {
        let deadline = match self.state.get() {
            State::Processing => return true,
            State::New { deadline } => deadline,
            State::Idle { deadline } => deadline.min(now + self.limits.header_timeout),
            State::Receiving { deadline } => return now < deadline,
        };
        self.state.set(State::Receiving { deadline });
        true
    }

    /// Notes that bytes of a response were sent. A client that reads slowly is not idle.
    pub(super) fn send(&self) {
        if matches!(self.state.get(), State::Idle { .. }) {
            self.be_idle(Instant::now());
        }
    }

    fn be_idle(&self, now: Instant) {
        let deadline = if self.connections.is_closing() {
            now
        } else {
            now + self.limits.keep_alive
        };
        self.state.set(State::Idle { deadline });
    }

    /// Shortens the deadlines when the server stops.
    pub(super) fn start_closing(&self, now: Instant) {
        let within = |deadline: Instant, grace| deadline.min(now + grace);
        self.state.set(match self.state.get() {
            State::New { deadline } => State::New {
                deadline: within(deadline, FIRST_BYTE_GRACE),
            },
            State::Idle { .. } => State::Idle { deadline: now },
            State::Receiving { deadline } => State::Receiving {
                deadline: within(deadline, HEAD_GRACE),
            },
            State::Processing => State::Processing,
        });
    }

    /// Returns whether the deadline has passed.
    pub(super) fn is_expired(&self, now: Instant) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// Returns whether the server waits for the rest of a head.
    pub(super) fn awaits_head(&self) -> bool {
        match self.state.get() {
            State::New { .. } => !self.connections.is_closing(),
            State::Receiving { .. } => self.body.get() == BodyState::Complete,
            State::Idle { .. } | State::Processing => false,
        }
    }

    /// Returns the time at which the deadline must be checked at the latest.
    pub(super) fn next_check(&self) -> Instant {
        self.deadline()
            .unwrap_or_else(|| Instant::now() + self.limits.keep_alive)
    }

    fn deadline(&self) -> Option<Instant> {
        match self.state.get() {
            State::New { deadline } | State::Idle { deadline } | State::Receiving { deadline } => {
                Some(deadline)
            }
            State::Processing => None,
        }
    }

    /// Stores the waker of the connection's task and returns whether it is a new one.
    pub(super) fn set_waker(&self, waker: &Waker) -> bool {
        let mut stored = self.waker.borrow_mut();
        if stored
            .as_ref()
            .is_some_and(|stored| stored.will_wake(waker))
        {
            return false;
        }
        *stored = Some(waker.clone());
        true
    }
}

/// A request that is being processed. Dropping it makes the connection idle.
pub(in crate::http) struct ActiveRequest(Rc<Activity>);

impl ActiveRequest {
    /// Returns whether the end of the body was not received. The connection must then close after the response.
    pub(in crate::http) fn is_incomplete(&self) -> bool {
        self.0.body.get() == BodyState::Incomplete
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.end_request();
    }
}

#[cfg(test)]
mod tests;
