//! Models whose inference does not end.

use std::{io::Cursor, time::Duration};

use actix_web::rt;
use image::{GrayImage, ImageFormat};
use reqwest::Response;
use serde_json::{Value, json};

use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, assert_problem, face, send},
    lifecycle::{models_dir, models_flag},
};

/// A time limit that the trials and batches of the fixtures do not exceed on a loaded machine.
const LIMIT: &str = "--inference-timeout=2s";

/// Endless for a dark image.
const DARK: (&str, &str, &str) = ("dark", "1", "../endless/dark");
/// Endless for every image.
const ALWAYS: (&str, &str, &str) = ("always", "1", "../endless/always");
const SMALL: (&str, &str, &str) = ("small", "1", "small");

/// Returns the PNG of a square of one gray level.
pub(crate) fn square(gray: u8) -> Vec<u8> {
    let image = GrayImage::from_pixel(8, 8, image::Luma([gray]));
    let mut png = Cursor::new(Vec::new());
    image.write_to(&mut png, ImageFormat::Png).unwrap();
    png.into_inner()
}

impl TestApp {
    /// Sends an image for which the model `dark` does not end.
    async fn classify_endlessly(&self) -> Response {
        self.classify("?model=dark", square(0))
            .send()
            .await
            .unwrap()
    }

    async fn classify_with(&self, model: &str, image: Vec<u8>) -> u16 {
        let request = self.classify(&format!("?model={model}"), image);
        request.send().await.unwrap().status().as_u16()
    }
}

#[actix_web::test]
async fn endless_inference_is_terminated_and_reported() {
    let root = models_dir(&[SMALL, DARK]);
    let app = TestApp::spawn_with(&[LIMIT, "--instances=1", &models_flag(&root)]);
    let body = assert_problem(app.classify_endlessly().await, 504, "inference_timeout").await;
    let detail = body["detail"].as_str().unwrap();
    assert!(
        detail.contains("within 2s (--inference-timeout)"),
        "{detail}"
    );
    app.until_metric(
        "mien_inference_timeouts_total{model=\"dark\",version=\"1\"}",
        1.0,
    )
    .await;
    // The only session of the model can be used again.
    assert_eq!(app.classify_with("dark", square(200)).await, 200);
    assert_eq!(app.classify_with("small", face("happy")).await, 200);

    let data = json!({"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1, 1, 8, 8], "data": vec![0; 64]}]});
    let request = app.client.post(app.url("/v2/models/dark/infer"));
    let (status, body) = send(request.json(&data)).await;
    assert_eq!(status, 504);
    assert!(
        body["error"]
            .as_str()
            .unwrap()
            .contains("--inference-timeout"),
        "{body}"
    );
    // A successful inference reset the count, so the model still serves.
    assert_eq!(app.versions("dark").await, ["1 ready"]);
}

#[actix_web::test]
async fn repeated_timeouts_take_model_out_of_service_until_load() {
    let root = models_dir(&[DARK]);
    let app = TestApp::spawn_with(&[LIMIT, &models_flag(&root)]);
    assert_eq!(app.get("/health/ready").await.status(), 200);
    for _ in 0..3 {
        assert_problem(app.classify_endlessly().await, 504, "inference_timeout").await;
    }
    let response = app.classify("", square(200)).send().await.unwrap();
    let body = assert_problem(response, 404, "unknown_version").await;
    let reason = "out of service after 3 time-outs in a row";
    assert!(body["detail"].as_str().unwrap().contains(reason), "{body}");
    assert_eq!(app.get("/health/ready").await.status(), 503);
    app.until_versions("dark", &["1 failed"]).await;
    let model = app.json("/v1/models/dark").await;
    assert!(
        model["versions"][0]["reason"]
            .as_str()
            .unwrap()
            .contains(reason),
        "{model}"
    );
    app.until_metric("mien_model_ready{model=\"dark\",version=\"1\"}", 0.0)
        .await;

    assert_eq!(app.load("dark").await.status(), 200);
    assert_eq!(app.get("/health/ready").await.status(), 200);
    assert_eq!(app.classify_with("dark", square(200)).await, 200);
    app.until_metric("mien_model_ready{model=\"dark\",version=\"1\"}", 1.0)
        .await;
}

#[actix_web::test]
async fn other_models_are_served_while_an_inference_does_not_end() {
    let root = models_dir(&[SMALL, DARK]);
    let flags = [
        "--inference-timeout=20s",
        "--instances=4",
        "--drain-timeout=0s",
    ];
    let mut app = TestApp::spawn_with(&[&flags[..], &[&models_flag(&root)]].concat());
    // More endless inferences than cores.
    for _ in 0..2 * mien_host::cpu::available_cores() {
        let request = app.classify("?model=dark", square(0));
        rt::spawn(async { drop(request.send().await) });
    }
    let running = "mien_queue_wait_seconds_count{model=\"dark\",priority=\"live\",version=\"1\"}";
    eventually(TIMEOUT, "an endless inference runs", async || {
        (app.metric(running).await > 0.0).then_some(())
    })
    .await;
    let classify = async {
        for _ in 0..5 {
            assert_eq!(app.classify_with("small", face("happy")).await, 200);
        }
    };
    // The inferences of the other model would end after 20 seconds.
    let served = rt::time::timeout(Duration::from_secs(15), classify).await;
    assert!(served.is_ok(), "the other model did not respond");
    // The shutdown terminates the inferences.
    let stopped = rt::time::timeout(Duration::from_secs(15), app.stop_and_wait()).await;
    assert!(stopped.is_ok(), "the shutdown waited for the inferences");
}

#[actix_web::test]
async fn endless_trial_fails_the_load() {
    let root = models_dir(&[SMALL, ALWAYS]);
    let app = TestApp::spawn_with(&["--inference-timeout=500ms", &models_flag(&root)]);
    let (load, other) = tokio::join!(app.load("always"), app.load("small"));
    let body = assert_problem(load, 409, "invalid_model").await;
    let detail = body["detail"].as_str().unwrap();
    assert!(
        detail.contains(
            "the trial inference did not end within 1s 500ms (3 times --inference-timeout)"
        ),
        "{detail}"
    );
    assert_eq!(other.status(), 200);
    assert_eq!(app.versions("always").await, ["1 failed"]);
}

#[actix_web::test]
async fn evaluation_of_endless_model_fails_with_reason() {
    let root = models_dir(&[DARK]);
    let data = tempfile::tempdir().unwrap();
    crate::evaluations::put(data.path(), "test/happy/dark.png", &square(0));
    let source = format!("--data=faces={}", data.path().display());
    let app = TestApp::spawn_with(&[LIMIT, &source, &models_flag(&root)]);
    let request = app.client.post(app.url("/v1/evaluations"));
    let (status, evaluation) = send(request.json(&json!({"dataset": "faces"}))).await;
    assert_eq!(status, 202, "{evaluation}");
    let path = format!("/v1/evaluations/{}", evaluation["id"].as_str().unwrap());
    let failed: Value = eventually(TIMEOUT, "the evaluation has failed", async || {
        let now = app.json(&path).await;
        (now["status"] == "failed").then_some(now)
    })
    .await;
    assert!(
        failed["error"]
            .as_str()
            .unwrap()
            .contains("--inference-timeout"),
        "{failed}"
    );
}
