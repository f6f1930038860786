//! Cost and limits of explanations.

use actix_web::rt;
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, assert_problem, face, send},
};

/// One explanation at a time, held in the queue: its first 16 images wait for a batch of 128.
const HELD: [&str; 4] = [
    "--max-explanations=1",
    "--max-batch=128",
    "--max-queue-delay=60s",
    "--instances=1",
];
const WAITING: &str = "mien_queue_images{model=\"small\",priority=\"background\"}";

#[actix_web::test]
async fn explanation_cost_is_bounded_and_in_metrics() {
    let app = TestApp::spawn();
    assert_eq!(send(app.explain("", face("happy"))).await.0, 200);
    assert_eq!(
        app.metric("mien_images_total{model=\"small\",outcome=\"ok\",priority=\"background\",version=\"1\"}")
            .await,
        122.0
    );
    // Occluded faces do not count as predictions.
    for label in [
        "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
    ] {
        let series =
            format!("mien_predictions_total{{label=\"{label}\",model=\"small\",version=\"1\"}}");
        assert_eq!(app.metric(&series).await, 0.0);
    }
    let requests = "mien_http_requests_total{method=\"POST\",route=\"/v1/explain\",status=\"200\"}";
    assert_eq!(app.metric(requests).await, 1.0);
}

#[actix_web::test]
async fn explain_limits_concurrency_and_frees_slot_on_disconnect() {
    let app = TestApp::spawn_with(&HELD);
    let first = rt::spawn(send(app.explain("", face("happy"))));
    app.until_metric(WAITING, 16.0).await;
    let second = app.explain("", face("sad")).send().await.unwrap();
    assert_eq!(second.headers()["retry-after"], "1");
    assert_problem(second, 503, "overloaded").await;

    // Each client that disconnects frees its slot. Its cancelled images stay in the queue until the fifth client needs their space.
    let mut current = first;
    for client in 2..=5 {
        current.abort();
        current = rt::spawn(until_accepted(app.explain("", face("sad"))));
        let waiting = if client == 5 { 16 } else { 16 * client };
        app.until_metric(WAITING, f64::from(waiting)).await;
    }
    assert_eq!(
        app.metric("mien_images_total{model=\"small\",outcome=\"cancelled\",priority=\"background\",version=\"1\"}")
            .await,
        64.0
    );
    current.abort();
}

/// Repeats a request until it is accepted.
async fn until_accepted(request: RequestBuilder) -> (u16, Value) {
    eventually(TIMEOUT, "the request is accepted", async || {
        let response = send(request.try_clone().unwrap()).await;
        (response.0 != 503).then_some(response)
    })
    .await
}

#[actix_web::test]
async fn expired_explanation_frees_its_slot() {
    let app = TestApp::spawn_with(&HELD);
    let late = app
        .explain("", face("happy"))
        .header("x-request-timeout-ms", "50");
    assert_problem(late.send().await.unwrap(), 504, "deadline_exceeded").await;
    // Its slot is free again.
    let late = app
        .explain("", face("happy"))
        .header("x-request-timeout-ms", "50");
    assert_problem(late.send().await.unwrap(), 504, "deadline_exceeded").await;
}
