//! Incomplete requests and new connections during a shutdown. Each attack shuts down a second server, because the first one must
//! answer until the end.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use crate::{
    attack::{Attack, MAX_LATENCY, Target},
    raw::{self, Raw},
    server::Server,
};

/// Maximum time until a server with incomplete bodies has ended: five seconds and some delay.
const ENDED_WITHIN: Duration = Duration::from_secs(8);
/// Number of shutdowns under load.
const SHUTDOWNS: usize = 20;
/// Number of clients that open connections.
const CLIENTS: usize = 16;
/// Time under load before a shutdown.
const LOAD: Duration = Duration::from_secs(1);

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack {
            name: "shutdown-bodies",
            about: "a shutdown with ten incomplete bodies",
            flags: &[],
            max_latency: MAX_LATENCY,
            run: |target| Box::pin(incomplete_bodies(target)),
        },
        Attack {
            name: "shutdown-connections",
            about: "20 shutdowns while 16 clients send requests on new connections",
            flags: &[],
            // The load takes all cores of small machines.
            max_latency: Duration::from_secs(5),
            run: |target| Box::pin(new_connections(target)),
        },
    ]
}

/// Starts another server with the same program.
async fn second_server(target: Target) -> anyhow::Result<Server> {
    let mien = fs::read_link(format!("/proc/{}/exe", target.process.0))?;
    Server::start(&mien, &["--drain-delay=0s"]).await
}

fn terminate(server: &Server) -> anyhow::Result<()> {
    let pid = server.target().process.0.to_string();
    let status = Command::new("kill").args(["-TERM", &pid]).status()?;
    ensure!(status.success(), "cannot send SIGTERM to {pid}");
    Ok(())
}

async fn incomplete_bodies(target: Target) -> anyhow::Result<()> {
    let mut server = second_server(target).await?;
    let head = "POST /v1/evaluations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json";
    let request = format!("{head}\r\nContent-Length: 1000\r\n\r\n{{");
    let mut connections = Vec::new();
    for _ in 0..10 {
        connections.push(Raw::open(server.target().http, request.as_bytes()).await?);
    }
    terminate(&server)?;
    server.wait_until_ended(ENDED_WITHIN).await?;
    for connection in connections {
        let response = connection.closed(ENDED_WITHIN).await?;
        ensure!(response.starts_with("HTTP/1.1 503"), "{response:?}");
    }
    Ok(())
}

async fn new_connections(target: Target) -> anyhow::Result<()> {
    for shutdown in 0..SHUTDOWNS {
        let mut server = second_server(target).await?;
        let clients = (0..CLIENTS).map(|_| send_until_refused(server.target()));
        let clients = tokio::spawn(raw::all(clients.collect::<Vec<_>>()));
        tokio::time::sleep(LOAD).await;
        terminate(&server)?;
        let clients = clients.await?;
        clients.with_context(|| format!("shutdown {shutdown}"))?;
        server.wait_until_ended(ENDED_WITHIN).await?;
    }
    Ok(())
}

/// Sends requests, each on a new connection, until the server refuses one.
async fn send_until_refused(target: Target) -> anyhow::Result<()> {
    let (start, mut responses) = (Instant::now(), 0);
    while let Ok(mut connection) = TcpStream::connect(target.http).await {
        let lost = || {
            let after = start.elapsed();
            format!("a connection got no response after {after:?} and {responses} responses")
        };
        let request = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        connection.write_all(request).await.with_context(lost)?;
        let mut response = String::new();
        let read = connection.read_to_string(&mut response).await;
        read.with_context(lost)?;
        ensure!(response.starts_with("HTTP/1.1 200"), "{}", lost());
        responses += 1;
    }
    ensure!(responses > 0, "no response before the shutdown");
    Ok(())
}
