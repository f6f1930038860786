//! Copied images and their outcomes.

use std::fs;

use serde_json::json;

use super::{PATH, SAME, series, serve};
use crate::{
    evaluations::STUCK,
    eventually::{TIMEOUT, eventually},
    faces::DETECTOR,
    helpers::{assert_problem, face, send},
    lifecycle::models_dir,
    live::{Live, frame},
};

/// A value that exceeds the range of float16, so that it becomes the largest finite value there. Its sums exceed the range of float32.
const LARGE: f32 = 3e38;

#[actix_web::test]
async fn shadow_copies_share_of_images() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", SAME)]);
    let app = serve(&root, &["--shadow-share=0.9"]);
    let request = json!({"candidate": 2, "version": 1, "share": 0.25});
    let response = app.post_shadow(&request).await;
    assert_eq!(response.status(), 201);
    for _ in 0..8 {
        let (status, _) = send(app.classify_many("", vec![face("happy"); 25])).await;
        assert_eq!(status, 200);
    }
    let compared = eventually(TIMEOUT, "a quarter is compared", async || {
        let report = app.json(PATH).await;
        let compared = report["images"]["compared"].as_u64().unwrap();
        (compared >= 48).then_some(compared)
    });
    assert!((48..=52).contains(&compared.await));
    let report = app.end_shadow().await;
    assert!(
        report["images"]["compared"].as_u64() <= Some(52),
        "{report}"
    );

    let response = app.post_shadow(&json!({"candidate": "2"})).await;
    let report: serde_json::Value = response.json().await.unwrap();
    assert_eq!(report["share"], 0.9);
}

#[actix_web::test]
async fn shadow_images_are_not_live_traffic() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", SAME)]);
    let app = serve(&root, &[]);
    app.start_shadow("2").await;
    app.classify_faces("").await;
    app.until_compared(7).await;
    let images = async |version: u8, priority: &str| {
        let series = format!(
            "mien_images_total{{model=\"m\",outcome=\"ok\",priority=\"{priority}\",version=\"{version}\"}}"
        );
        app.metric(&series).await
    };
    assert_eq!(
        [images(1, "live").await, images(1, "background").await],
        [7.0, 0.0]
    );
    assert_eq!(
        [images(2, "live").await, images(2, "background").await],
        [0.0, 7.0]
    );
    let metrics = app.get("/metrics").await.text().await.unwrap();
    let predictions = metrics.lines().filter_map(|line| {
        let is_candidate =
            line.starts_with("mien_predictions_total{") && line.contains("version=\"2\"");
        is_candidate.then(|| line.rsplit(' ').next().unwrap().to_owned())
    });
    assert!(predictions.into_iter().all(|count| count == "0"));
    assert!(!metrics.contains("mien_drift_reference_images{model=\"m\",version=\"2\"}"));
    // Clients cannot use the candidate.
    assert_eq!(app.versions("m").await, ["1 ready", "2 unloaded"]);
    let request = app.classify("?version=2", face("happy"));
    assert_problem(request.send().await.unwrap(), 404, "unknown_version").await;
}

#[actix_web::test]
async fn full_queue_drops_copies_and_requests_succeed() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", SAME)]);
    // The batches of the candidate never fill up, so its images wait for an hour.
    fs::write(root.path().join("m/2/mien.toml"), "max_batch = 1024").unwrap();
    let mut app = serve(&root, &[STUCK[0], STUCK[1], "--instances=1"]);
    app.start_shadow("2").await;
    for _ in 0..10 {
        let (status, body) = send(app.classify_many("", vec![face("happy"); 32])).await;
        assert_eq!(status, 200, "{body}");
    }
    // The queue has 256 places, and at most 16 images wait in the batch of the candidate.
    let report = app.json(PATH).await;
    assert_eq!(report["images"]["compared"], 0);
    let dropped = report["images"]["dropped"].as_u64().unwrap();
    assert!((48..=63).contains(&dropped), "{report}");
    assert_eq!(app.metric(&series("dropped")).await, dropped as f64);
    app.stop_and_wait().await;
}

#[actix_web::test]
async fn failure_of_candidate_is_counted_and_request_succeeds() {
    let root = models_dir(&[
        ("m", "1", "../foreign/models/half"),
        ("m", "2", "../foreign/models/dense"),
    ]);
    let app = serve(&root, &[]);
    app.start_shadow("2").await;
    app.classify_faces("").await;
    app.until_compared(7).await;
    let metadata = app.json("/v2/models/m").await;
    let tensor = json!({"name": metadata["inputs"][0]["name"], "datatype": "FP32", "shape": [1, 48, 48, 1], "data": vec![LARGE; 48 * 48]});
    let infer = app.client.post(app.url("/v2/models/m/infer"));
    let (status, body) = send(infer.json(&json!({"inputs": [tensor]}))).await;
    assert_eq!(status, 200, "{body}");
    app.until_metric(&series("failed"), 1.0).await;
    let report = app.json(PATH).await;
    assert_eq!(
        report["images"],
        json!({"compared": 7, "failed": 1, "dropped": 0})
    );
    // The failed image counts as a different label.
    assert_eq!(report["agreement"], 0.875);
    assert_eq!(report["status"], "running");
}

#[actix_web::test]
async fn faces_of_photos_are_copied_and_frames_are_not() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", SAME)]);
    let app = serve(&root, &[DETECTOR]);
    app.start_shadow("2").await;
    let mut live = Live::connect(&app, "?model=m").await;
    let result = live.analyse(frame("happy", 60)).await;
    assert_eq!(result["faces"].as_array().unwrap().len(), 1, "{result}");
    let photo = app.client.post(app.url("/v1/faces?model=m"));
    let (status, _) = send(photo.body(frame("happy", 60))).await;
    assert_eq!(status, 200);
    app.classify_faces("").await;
    // The copies are compared in the order of the requests.
    app.until_compared(8).await;
}

#[actix_web::test]
async fn tensors_for_other_scaling_are_not_copied() {
    let root = models_dir(&[
        ("m", "1", "../foreign/models/dense"),
        ("m", "2", "../foreign/models/half"),
    ]);
    let config = root.path().join("m/2/mien.toml");
    let labels = fs::read_to_string(&config).unwrap();
    fs::write(config, format!("{labels}\nscale = 1.0\n")).unwrap();
    let app = serve(&root, &[]);
    app.start_shadow("2").await;
    let metadata = app.json("/v2/models/m").await;
    let tensor = json!({"name": metadata["inputs"][0]["name"], "datatype": "FP32", "shape": [1, 48, 48, 1], "data": vec![0.5; 48 * 48]});
    let infer = app.client.post(app.url("/v2/models/m/infer"));
    let (status, body) = send(infer.json(&json!({"inputs": [tensor]}))).await;
    assert_eq!(status, 200, "{body}");
    app.classify_faces("").await;
    app.until_compared(7).await;
    let report = app.end_shadow().await;
    assert_eq!(
        report["images"],
        json!({"compared": 7, "failed": 0, "dropped": 0})
    );
}
