//! Queued and running evaluations: limits and cancellation.

use std::time::Duration;

use mien::startup::Application;
use serde_json::{Value, json};

use super::{STUCK, data_set, spawn};
use crate::helpers::{TestApp, assert_problem, send, settings};

#[actix_web::test]
async fn two_evaluations_run_concurrently() {
    let data = data_set();
    let app = spawn(&data, &STUCK);
    let spec = json!({"dataset": "faces"});
    let first = app.start_evaluation(&spec).await;
    let second = app.start_evaluation(&spec).await;
    let third = app.start_evaluation(&spec).await;
    app.until_evaluation(&first, "running").await;
    app.until_evaluation(&second, "running").await;
    app.until_metric(
        "mien_queue_images{model=\"small\",priority=\"background\"}",
        14.0,
    )
    .await;
    assert_eq!(app.json(&third).await["status"], "queued");

    let delete = async |location: &str| send(app.client.delete(app.url(location))).await;
    let (status, document) = delete(&first).await;
    assert_eq!((status, &document["status"]), (200, &json!("cancelled")));
    assert_eq!(document["images"], json!({"done": 0, "total": 7}));
    assert!(
        document["report"].is_null() && document["error"].is_null(),
        "{document}"
    );
    app.until_evaluation(&third, "running").await;
    assert_eq!(delete(&third).await.1["status"], "cancelled");
    assert_eq!(delete(&third).await, (200, app.json(&third).await));
    assert_eq!(app.json(&second).await["status"], "running");
    let listed = app.json("/v1/evaluations").await;
    let statuses = [0, 1, 2].map(|index| listed["evaluations"][index]["status"].clone());
    assert_eq!(
        statuses,
        ["cancelled", "running", "cancelled"].map(Value::from)
    );
}

#[actix_web::test]
async fn pending_evaluations_are_limited() {
    let data = data_set();
    let app = spawn(&data, &STUCK);
    let spec = json!({"dataset": "faces", "limit": 1});
    for _ in 0..16 {
        app.start_evaluation(&spec).await;
    }
    let refused = app.post_evaluation(&spec).await;
    assert!(refused.headers().contains_key("retry-after"));
    assert_problem(refused, 503, "overloaded").await;
    let last = app.json("/v1/evaluations").await["evaluations"][0]["id"].clone();
    let last = format!("/v1/evaluations/{}", last.as_str().unwrap());
    app.client.delete(app.url(&last)).send().await.unwrap();
    app.start_evaluation(&spec).await;
}

#[actix_web::test]
async fn shutdown_cancels_evaluations() {
    let data = data_set();
    let source = format!("--data=faces={}", data.path().display());
    let mut settings = settings(&[STUCK[0], STUCK[1], &source]);
    settings.drain.drain_delay = Duration::from_secs(3600);
    let application = Application::build(&settings).unwrap();
    let mut app = TestApp::run(application);
    let running = app.start_evaluation(&json!({"dataset": "faces"})).await;
    app.until_evaluation(&running, "running").await;
    app.stop();
    app.until_evaluation(&running, "cancelled").await;
    assert_problem(
        app.post_evaluation(&json!({"dataset": "faces"})).await,
        503,
        "shutting_down",
    )
    .await;
}
