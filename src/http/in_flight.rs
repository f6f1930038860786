//! The requests that are being answered, counted: actix drains HTTP/1 connections by itself, and never closes one of
//! HTTP/2.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

/// How often an ending server looks whether all requests are answered.
const LOOK: Duration = Duration::from_millis(20);
/// What the last answers get to leave by, once they are handed over to their connections.
const LINGER: Duration = Duration::from_millis(250);

/// Counts requests between their head and their answer.
#[derive(Default)]
pub struct InFlight {
    requests: AtomicUsize,
    closed: AtomicBool,
}

/// One request; dropping it counts it out.
pub(super) struct Request<'a>(&'a AtomicUsize);

impl InFlight {
    /// Counts a request in.
    pub(super) fn enter(&self) -> Request<'_> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Request(&self.requests)
    }

    /// From now on connections that stay open should take no more requests.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether requests are no longer taken.
    pub(super) fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Waits until every request is answered and its answer on the way.
    pub async fn answered(&self) {
        while self.requests.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(LOOK).await;
        }
        tokio::time::sleep(LINGER).await;
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
