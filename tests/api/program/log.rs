//! The log while its reader stands still.

use std::time::{Duration, Instant};

use actix_web::rt;
use futures_util::{StreamExt, stream};

use super::Server;
use crate::helpers::http_client;

/// Number of requests and the length of their paths. The pipe and the buffers of the server hold less than their log lines.
const REQUESTS: usize = 3000;
const PATH_LENGTH: usize = 1000;

#[actix_web::test]
async fn server_answers_while_log_is_not_read() {
    // The test reads the log until the server is ready, and not any more.
    let server = Server::start(&["--drain-delay=0s"]);
    let client = http_client();
    let url = server.url(&format!("/v1/models/{}", "x".repeat(PATH_LENGTH)));
    let statuses = stream::iter(0..REQUESTS)
        .map(|_| client.get(&url).send())
        .buffer_unordered(16)
        .map(|response| response.unwrap().status().as_u16());
    assert!(statuses.all(async |status| status == 404).await);
    let metrics = client.get(server.url("/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let dropped = metrics
        .lines()
        .find_map(|line| line.strip_prefix("mien_log_lines_dropped_total "));
    assert_ne!(dropped, Some("0"));
    assert!(dropped.is_some(), "{metrics}");

    let start = Instant::now();
    server.terminate();
    let ended = rt::time::timeout(Duration::from_secs(20), server.end()).await;
    assert_eq!(ended, Ok(Some(0)), "after {:?}", start.elapsed());
}
