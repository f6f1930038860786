//! Connections that are established just before the shutdown.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use super::Server;
use crate::eventually::{TIMEOUT, eventually};

/// Number of responses and of established connections that got none.
#[derive(Default)]
struct Counts {
    responses: AtomicUsize,
    lost: AtomicUsize,
}

impl Counts {
    /// Sends requests, each on a new connection, until the server refuses connections.
    fn send_requests(&self, address: &str) {
        let request = b"GET /health/live HTTP/1.1\r\nHost: mien\r\nConnection: close\r\n\r\n";
        while let Ok(mut stream) = TcpStream::connect(address) {
            stream
                .set_read_timeout(Some(Duration::from_secs(60)))
                .unwrap();
            let mut response = Vec::new();
            let sent = stream.write_all(request);
            let received = sent.and_then(|()| stream.read_to_end(&mut response));
            let is_complete = received.is_ok() && response.starts_with(b"HTTP/1.1 200");
            let count = if is_complete {
                &self.responses
            } else {
                &self.lost
            };
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[actix_web::test]
#[cfg(target_os = "linux")]
async fn shutdown_answers_all_established_connections() {
    for _ in 0..2 {
        let server = Server::start(&["--drain-delay=0s"]);
        let address = server.base().strip_prefix("http://").unwrap().to_owned();
        let counts = Arc::new(Counts::default());
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let (counts, address) = (Arc::clone(&counts), address.clone());
                thread::spawn(move || counts.send_requests(&address))
            })
            .collect();
        eventually(TIMEOUT, "the load has begun", async || {
            (counts.responses.load(Ordering::Relaxed) > 200).then_some(())
        })
        .await;
        server.terminate();
        assert_eq!(server.end().await, Some(0));
        for client in clients {
            client.join().unwrap();
        }
        assert_eq!(counts.lost.load(Ordering::Relaxed), 0);
        let refused = TcpStream::connect(&address).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    }
}
