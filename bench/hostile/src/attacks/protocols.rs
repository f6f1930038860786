//! Connections that speak another protocol than the listener.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::attack::{Attack, MAX_LATENCY, Target};

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
    let connections = (0..CONNECTIONS).map(|_| tokio::spawn(send_http_1(target.grpc)));
    for connection in connections.collect::<Vec<_>>() {
        connection.await??;
    }
    Ok(())
}

/// Sends a request and waits until the server closes the connection.
async fn send_http_1(grpc: SocketAddr) -> anyhow::Result<()> {
    let mut connection = TcpStream::connect(grpc).await?;
    connection
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await?;
    let mut response = Vec::new();
    // A reset closes the connection as well.
    let _ = timeout(CLOSED_WITHIN, connection.read_to_end(&mut response))
        .await
        .with_context(|| format!("a connection was not closed within {CLOSED_WITHIN:?}"))?;
    Ok(())
}
