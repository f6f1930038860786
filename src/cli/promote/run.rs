//! One promotion on one server.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use tokio::signal::unix::Signal;

use super::outcome::Promotion;
use crate::cli::{
    api_client::{ApiClient, NoResponse},
    progress,
};

/// Poll interval of the progress.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Maximum time without a response of the server while the promotion runs.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Starts a promotion and returns it when it has ended. An interrupt cancels it on the server. With `cancel_on_error`, an error
/// during the promotion cancels it too.
///
/// # Errors
/// Returns an error if the server rejects the request or does not respond, and after a second interrupt.
pub(super) async fn promote(
    server: &ApiClient,
    model: &str,
    request: &Value,
    interrupts: &mut Signal,
    cancel_on_error: bool,
) -> anyhow::Result<Value> {
    let path = ["v1", "models", model, "promotions"];
    let created = server.send(Method::POST, &path, Some(request)).await?;
    let id = Promotion::deserialize(&created)
        .context("cannot read the response of the server")?
        .id;
    writeln!(
        io::stderr(),
        "promotion {id} has started; Ctrl-C cancels it"
    )?;
    let path = [&path[..], &[&id]].concat();
    let ended = tokio::select! {
        ended = wait(server, &path) => ended,
        _ = interrupts.recv() => return cancel(server, &path, interrupts).await,
    };
    match ended {
        Err(error) if cancel_on_error => {
            let cancelled = server.send(Method::DELETE, &path, None).await;
            cancelled.map_err(|_| error)
        }
        ended => ended,
    }
}

/// Polls until the promotion has ended and returns it.
async fn wait(server: &ApiClient, path: &[&str]) -> anyhow::Result<Value> {
    let bar = progress::bar(0);
    let mut last_response = Instant::now();
    loop {
        let document = match server.send(Method::GET, path, None).await {
            Ok(document) => document,
            // The server may be restarting; it then knows the result.
            Err(error)
                if error.is::<NoResponse>() && last_response.elapsed() < RECONNECT_TIMEOUT =>
            {
                tokio::time::sleep(POLL_INTERVAL).await;
                continue;
            }
            Err(error) => return Err(error.context("the promotion continues on the server")),
        };
        last_response = Instant::now();
        let Promotion { status, images, .. } = Promotion::deserialize(&document)?;
        bar.set_length(images.total);
        bar.set_position(images.done);
        if status.is_final() {
            bar.finish_and_clear();
            return Ok(document);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Cancels the promotion and returns it. A promotion that has just ended is not changed. A second Ctrl-C ends the command.
async fn cancel(
    server: &ApiClient,
    path: &[&str],
    interrupts: &mut Signal,
) -> anyhow::Result<Value> {
    writeln!(
        io::stderr(),
        "cancelling the promotion; Ctrl-C again leaves it running"
    )?;
    tokio::select! {
        cancelled = server.send(Method::DELETE, path, None) => {
            cancelled.context("the promotion may continue on the server")
        }
        _ = interrupts.recv() => {
            bail!("the promotion may continue on the server; DELETE /{} cancels it", path.join("/"))
        }
    }
}
