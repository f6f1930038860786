//! Heads and responses that fill the buffers of connections.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    attack::{Attack, MAX_LATENCY, Target},
    raw::{self, Raw},
};

/// Number of connections with an incomplete head.
const INCOMPLETE: usize = 4000;
/// Number of connections with requests behind a pending one.
const PIPELINED: usize = 500;
/// Number of connections that do not read their responses.
const UNREAD: usize = 1000;
/// Length of a head that actix would buffer.
const LENGTH: usize = 120 << 10;
/// Maximum time until the connections are closed: the default of `--header-timeout` and some delay.
const CLOSED_WITHIN: Duration = Duration::from_secs(20);
/// Maximum time until another client gets its response while hundreds of clients send megabytes at once. The attack and the server
/// share the cores.
const MAX_FLOOD_LATENCY: Duration = Duration::from_secs(3);
/// Time for which the clients do not read.
const PENDING: Duration = Duration::from_secs(5);

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack {
            name: "incomplete-heads",
            about: "incomplete heads of 120 KiB, over 4000 connections",
            flags: &[],
            max_latency: MAX_LATENCY,
            run: |target| Box::pin(incomplete(target)),
        },
        Attack {
            name: "pipelined-heads",
            about: "16 heads of 120 KiB behind a response that is not read, over 500 connections",
            flags: &[],
            max_latency: MAX_FLOOD_LATENCY,
            run: |target| Box::pin(pipelined(target)),
        },
        Attack {
            name: "unread-responses",
            about: "large responses that are not read, over 1000 connections",
            flags: &[],
            max_latency: MAX_FLOOD_LATENCY,
            run: |target| Box::pin(unread(target)),
        },
    ]
}

async fn incomplete(target: Target) -> anyhow::Result<()> {
    let head = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: {}",
        "a".repeat(LENGTH)
    );
    let clients = (0..INCOMPLETE).map(|_| {
        let head = head.clone();
        async move {
            let mut connection = Raw::open(target.http, b"").await?;
            // The server does not read all of the head, so `send` ends when the connection closes.
            let closed = async move {
                connection.send(head.as_bytes()).await;
                connection.closed(CLOSED_WITHIN).await
            };
            closed.await
        }
    });
    raw::all(clients).await.map(drop)
}

async fn pipelined(target: Target) -> anyhow::Result<()> {
    let first = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let padding = "a".repeat(LENGTH);
    let later = format!("GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: {padding}\r\n\r\n");
    let requests = first.repeat(8) + &later.repeat(16);
    let clients = (0..PIPELINED).map(|_| send_and_wait(target, requests.clone()));
    raw::all(clients).await.map(drop)
}

async fn unread(target: Target) -> anyhow::Result<()> {
    let paths = [
        "/docs/swagger-ui-bundle.js",
        "/openapi.json",
        "/metrics",
        "/web/main.js",
    ];
    let requests =
        paths.map(|path| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(40));
    let clients = (0..UNREAD).map(|n| send_and_wait(target, requests[n % paths.len()].clone()));
    raw::all(clients).await.map(drop)
}

/// Sends requests and reads nothing for some time.
async fn send_and_wait(target: Target, requests: String) -> anyhow::Result<()> {
    let mut connection = Raw::open(target.http, b"").await?;
    tokio::select! {
        () = connection.send(requests.as_bytes()) => sleep(PENDING).await,
        () = sleep(PENDING) => {}
    }
    Ok(())
}
