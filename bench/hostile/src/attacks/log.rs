//! A log whose reader stands still.

use anyhow::{Context, ensure};
use mien_loadgen::connection::{Connection, request};

use crate::{
    attack::{Attack, MAX_LATENCY, Target},
    raw,
};

/// Number of clients that send requests at the same time.
const CLIENTS: usize = 16;
/// Number of requests of each client. Their log lines do not fit into the pipe and the buffers of the server.
const REQUESTS: usize = 500;
/// Length of the name in each request.
const NAME: usize = 1000;

pub(super) fn attacks() -> Vec<Attack> {
    vec![Attack {
        name: "unread-log",
        about: "8,000 requests with long paths while standard error is not read",
        flags: &["--log=info"],
        max_latency: MAX_LATENCY,
        run: |target| Box::pin(unread_log(target)),
    }]
}

async fn unread_log(target: Target) -> anyhow::Result<()> {
    raw::all((0..CLIENTS).map(|_| send_requests(target))).await?;
    let metrics = request("GET", target.http, "/metrics", &[], &[]);
    let mut connection = Connection::new(target.http);
    let response = connection.send(&metrics).await?;
    let text = String::from_utf8_lossy(response.body);
    let dropped = text
        .lines()
        .find_map(|line| line.strip_prefix("mien_log_lines_dropped_total "))
        .context("the server does not count dropped log lines")?;
    ensure!(dropped != "0", "no log line was dropped");
    Ok(())
}

async fn send_requests(target: Target) -> anyhow::Result<()> {
    let path = format!("/v1/models/{}", "x".repeat(NAME));
    let unknown = request("GET", target.http, &path, &[], &[]);
    let mut connection = Connection::new(target.http);
    for _ in 0..REQUESTS {
        let status = connection.send(&unknown).await?.status;
        ensure!(status == 404, "a request got status {status}");
    }
    Ok(())
}
