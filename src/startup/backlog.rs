//! Refuses new connections before the listeners close, so that no established connection is lost.
//!
//! The system completes handshakes by itself and keeps the connections in the backlog of the listener. When a listener closes, the
//! system resets the connections in its backlog. Clients then get no response, although their connection was established.

use std::{io, net::TcpListener, time::Duration};

use tokio::time::{Instant, sleep};

/// Interval between two checks of the backlog.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Time for which the backlog must stay empty, because the last handshakes may still be in progress.
const QUIET_TIME: Duration = Duration::from_millis(100);

/// The backlog of one listener.
pub(super) struct Backlog(TcpListener);

impl Backlog {
    /// Returns the backlog of a listener. The listener stays open until its backlog is dropped too.
    pub(super) fn of(listener: &TcpListener) -> io::Result<Self> {
        listener.try_clone().map(Self)
    }

    /// Refuses new connections. Handshakes in progress complete.
    #[cfg(target_os = "linux")]
    pub(super) fn refuse_connections(&self) {
        use std::os::fd::AsRawFd;

        // No packet arrives from this interface, so the listener does not match any new connection.
        const NO_INTERFACE: uapi::c::c_int = uapi::c::c_int::MAX;
        let (level, option) = (uapi::c::SOL_SOCKET, uapi::c::SO_BINDTOIFINDEX);
        if let Err(error) = uapi::setsockopt(self.0.as_raw_fd(), level, option, &NO_INTERFACE) {
            tracing::debug!(%error, "cannot refuse connections before the listener closes");
        }
    }

    /// Does nothing: other systems than Linux refuse connections when the listener closes.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn refuse_connections(&self) {}

    /// Waits until the server has accepted all established connections, at most until `deadline`.
    pub(super) async fn emptied(&self, deadline: Instant) {
        let mut quiet_since = Instant::now();
        loop {
            let (now, is_empty) = (Instant::now(), self.is_empty());
            if !is_empty {
                quiet_since = now;
            }
            if now - quiet_since >= QUIET_TIME || (now >= deadline && is_empty) {
                return;
            }
            if now >= deadline {
                tracing::warn!("connections in the backlog are lost; --max-connections are open");
                return;
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    #[cfg(target_os = "linux")]
    fn is_empty(&self) -> bool {
        use std::os::fd::AsRawFd;

        let mut listener = [uapi::c::pollfd {
            fd: self.0.as_raw_fd(),
            events: uapi::c::POLLIN,
            revents: 0,
        }];
        uapi::poll(&mut listener, 0) == Ok(0)
    }

    #[cfg(not(target_os = "linux"))]
    fn is_empty(&self) -> bool {
        true
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::{
        io::{ErrorKind, Read, Write},
        net::TcpStream,
    };

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn established_connections_are_accepted_after_refusal() {
        for address in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                continue;
            };
            let (backlog, port) = (
                Backlog::of(&listener).unwrap(),
                listener.local_addr().unwrap().port(),
            );
            let target = if address.starts_with('[') {
                "::1"
            } else {
                "127.0.0.1"
            };
            let mut client = TcpStream::connect((target, port)).unwrap();
            client.write_all(b"a").unwrap();

            backlog.refuse_connections();
            let refused = TcpStream::connect((target, port)).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused, "{address}");
            let deadline = Instant::now() + Duration::from_secs(60);
            let mut emptied = Box::pin(backlog.emptied(deadline));
            assert!(emptied.as_mut().now_or_never().is_none());

            let (mut accepted, _) = listener.accept().unwrap();
            let mut byte = [0];
            accepted.read_exact(&mut byte).unwrap();
            assert_eq!(&byte, b"a");
            emptied.await;
        }
    }
}
