//! Connections that make no progress.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, ensure};

use crate::{
    attack::{Attack, MAX_LATENCY, Target},
    raw::{self, Raw},
};

/// Time limits of the attacked servers.
const FLAGS: &[&str] = &[
    "--header-timeout=2s",
    "--keep-alive=3s",
    "--body-timeout=2s",
];
/// Time limits and few connections.
const FEW_CONNECTIONS: &[&str] = &["--header-timeout=2s", "--max-connections=64"];
/// Maximum time until a silent connection is closed: `--keep-alive` and some scheduling delay.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);
/// Maximum time until a connection that drips a body is closed: `--body-timeout`, `--header-timeout` and some delay.
const DRIPS_UNTIL: Duration = Duration::from_secs(7);
/// Number of connections per kind.
const CONNECTIONS: usize = 50;

const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const REQUEST: &str = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
const CHUNKED: &str =
    "POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack {
            name: "silent-connections",
            about: "connections that send nothing or the beginning of a request",
            flags: FLAGS,
            max_latency: MAX_LATENCY,
            run: |target| Box::pin(silent(target)),
        },
        Attack {
            name: "silent-slots",
            about: "silent connections on all slots of --max-connections",
            flags: FEW_CONNECTIONS,
            // Other clients wait until the server closes the silent connections.
            max_latency: Duration::from_secs(5),
            run: |target| Box::pin(silent_slots(target)),
        },
        Attack {
            name: "dripping-heads",
            about: "heads that are sent byte by byte, as a first and as a later request",
            flags: FLAGS,
            max_latency: MAX_LATENCY,
            run: |target| Box::pin(dripping_heads(target)),
        },
        Attack {
            name: "dripping-chunks",
            about: "chunked bodies that continue after the response",
            flags: FLAGS,
            max_latency: MAX_LATENCY,
            run: |target| Box::pin(dripping_chunks(target)),
        },
        Attack {
            name: "endless-bodies",
            about: "bodies that do not arrive, on every route that reads one",
            flags: FLAGS,
            max_latency: MAX_LATENCY,
            run: |target| Box::pin(endless_bodies(target)),
        },
    ]
}

async fn silent(target: Target) -> anyhow::Result<()> {
    let settings = format!("{PREFACE}\0\0\0\u{4}\0\0\0\0\0");
    let begins = [
        (target.http, ""),
        (target.http, "G"),
        (target.http, &PREFACE[..8]),
        (target.http, &PREFACE[..12]),
        (target.http, PREFACE),
        (target.http, &settings),
        (target.http, REQUEST),
        (target.http, &REQUEST[..30]),
        (target.grpc, ""),
        (target.grpc, &PREFACE[..12]),
    ];
    let clients = begins.iter().flat_map(|&(server, begin)| {
        let begin = begin.to_owned();
        (0..CONNECTIONS).map(move |_| close_silent(server, begin.clone()))
    });
    raw::all(clients).await.map(drop)
}

async fn close_silent(server: SocketAddr, begin: String) -> anyhow::Result<()> {
    let connection = Raw::open(server, begin.as_bytes()).await?;
    let closed = connection.closed(CLOSED_WITHIN).await;
    closed.with_context(|| format!("begin {begin:?}")).map(drop)
}

async fn silent_slots(target: Target) -> anyhow::Result<()> {
    // Those that exceed the maximum wait in the backlog, and are closed after the others.
    let clients = (0..64).map(|_| close_silent(target.http, String::new()));
    raw::all(clients).await.map(drop)
}

async fn dripping_heads(target: Target) -> anyhow::Result<()> {
    let clients = (0..2 * CONNECTIONS).map(|n| drip_head(target.http, n % 2 == 0));
    raw::all(clients).await.map(drop)
}

async fn drip_head(server: SocketAddr, is_later: bool) -> anyhow::Result<()> {
    let mut connection = Raw::open(server, b"").await?;
    if is_later {
        connection.send(REQUEST.as_bytes()).await;
        let response = connection.read(CLOSED_WITHIN).await?;
        ensure!(response.starts_with("HTTP/1.1 200"), "{response}");
    }
    connection.send(b"GET / HTTP/1.1\r\nX: ").await;
    connection.drip(b"a", CLOSED_WITHIN).await.map(drop)
}

async fn dripping_chunks(target: Target) -> anyhow::Result<()> {
    let kinds = [
        ("5;", "a"),
        ("0", "0"),
        ("0\r\n", "X: y\r\n"),
        ("ffffff\r\n", "a"),
        ("", "1\r\na\r\n"),
    ];
    let clients = kinds.iter().flat_map(|&(begin, piece)| {
        (0..CONNECTIONS).map(move |_| drip_chunks(target.http, begin, piece))
    });
    raw::all(clients).await.map(drop)
}

async fn drip_chunks(server: SocketAddr, begin: &str, piece: &str) -> anyhow::Result<()> {
    let connection = Raw::open(server, (CHUNKED.to_owned() + begin).as_bytes()).await?;
    let response = connection.drip(piece.as_bytes(), DRIPS_UNTIL).await;
    let response = response.with_context(|| format!("pieces {piece:?}"))?;
    ensure!(response.starts_with("HTTP/1.1 4"), "{response:?}");
    Ok(())
}

async fn endless_bodies(target: Target) -> anyhow::Result<()> {
    let paths = [
        "/v1/classify",
        "/v1/explain",
        "/v1/evaluations",
        "/v1/models/small/promotions",
        "/v2/models/small/infer",
        "/v2/repository/index",
        "/v2/repository/models/small/load",
        "/v2/repository/models/small/unload",
    ];
    let lengths = ["Content-Length: 1000", "Transfer-Encoding: chunked"];
    let requests = paths.iter().flat_map(|path| {
        let send = move |length| send_endless_body(target.http, path, length);
        lengths.map(send)
    });
    raw::all(requests).await.map(drop)
}

async fn send_endless_body(server: SocketAddr, path: &str, length: &str) -> anyhow::Result<()> {
    let json = "Content-Type: application/json";
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{json}\r\n{length}\r\n\r\n");
    let connection = Raw::open(server, head.as_bytes()).await?;
    let response = connection.closed(DRIPS_UNTIL).await;
    let response = response.with_context(|| format!("{path} with {length}"))?;
    ensure!(response.starts_with("HTTP/1.1 408"), "{path}: {response:?}");
    Ok(())
}
