//! Connections that speak another protocol than the listener.

use std::{net::SocketAddr, time::Duration};

use crate::{
    attack::{Attack, MAX_LATENCY, Target},
    raw::{self, Raw},
};

/// Number of connections.
const CONNECTIONS: usize = 200;
/// Maximum time until the server closes a connection: the default of `--header-timeout` and some scheduling delay.
const CLOSED_WITHIN: Duration = Duration::from_secs(12);

pub(super) fn attacks() -> Vec<Attack> {
    vec![Attack {
        name: "grpc-other-protocol",
        about: "HTTP/1.1 requests to the gRPC port, over 200 connections",
        flags: &[],
        max_latency: MAX_LATENCY,
        run: |target| Box::pin(http_1_to_grpc(target)),
    }]
}

async fn http_1_to_grpc(target: Target) -> anyhow::Result<()> {
    let connections = (0..CONNECTIONS).map(|_| send_http_1(target.grpc));
    raw::all(connections).await.map(drop)
}

/// Sends a request and waits until the server closes the connection.
async fn send_http_1(grpc: SocketAddr) -> anyhow::Result<()> {
    let connection = Raw::open(grpc, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await?;
    connection.closed(CLOSED_WITHIN).await.map(drop)
}
