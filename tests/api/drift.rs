//! Comparison of the images of clients with those of an evaluation.

use std::io::Cursor;

use image::{GrayImage, ImageFormat, Luma};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    evaluations::{LABELS, data_set, put, spawn},
    helpers::{TestApp, send},
    state::spawn_on,
};

/// Number of faces per window, the minimum.
const WINDOW: usize = 100;
/// Number of images of the data set.
const IMAGES: usize = 140;

const DETECTED: &str = "mien_drift_detected{feature=\"brightness\",model=\"small\",version=\"1\"}";

/// Returns noisy faces with different brightness as PNG, whose levels are multiplied by `factor`.
fn faces(factor: f32) -> Vec<Vec<u8>> {
    let mut random = StdRng::seed_from_u64(1);
    let mut face = || {
        let mean = random.random_range(80.0..180.0_f32);
        let level = |_, _| Luma([(factor * (mean + random.random_range(-60.0..60.0))) as u8]);
        let image = GrayImage::from_fn(48, 48, level);
        let mut file = Cursor::new(Vec::new());
        image.write_to(&mut file, ImageFormat::Png).unwrap();
        file.into_inner()
    };
    (0..IMAGES).map(|_| face()).collect()
}

/// Creates a data set whose test images are [`faces`], and which has as many train images.
fn data() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (index, file) in faces(1.0).iter().enumerate() {
        let label = LABELS[index % LABELS.len()];
        for split in ["test", "train"] {
            let name = format!("{split}/{label}/{index}.png");
            put(root.path(), &name, file);
        }
    }
    root
}

fn flag() -> String {
    format!("--drift-window={WINDOW}")
}

impl TestApp {
    async fn drift(&self) -> Value {
        self.json("/v1/models/small").await["versions"][0]["drift"].clone()
    }

    /// Classifies as many faces as two windows have, and returns the comparison.
    async fn two_windows(&self, factor: f32) -> Value {
        let faces = faces(factor);
        let faces: Vec<_> = faces.into_iter().cycle().take(2 * WINDOW).collect();
        for part in faces.chunks(20) {
            let (status, body) = send(self.classify_many("", part.to_vec())).await;
            assert_eq!(status, 200, "{body}");
        }
        self.drift().await
    }
}

fn feature<'a>(drift: &'a Value, name: &str) -> &'a Value {
    let features = drift["features"].as_array().unwrap();
    let feature = features.iter().find(|feature| feature["feature"] == name);
    feature.unwrap()
}

#[actix_web::test]
async fn darkened_images_begin_drift_and_original_images_end_it() {
    let (data, flag) = (data(), flag());
    let app = spawn(&data, &[&flag]);
    let evaluation = app.evaluate(&json!({"dataset": "faces"})).await;
    let drift = app.drift().await;
    assert_eq!(drift["status"], "collecting");
    assert_eq!(drift["reference"]["evaluation"], evaluation);
    assert_eq!(drift["reference"]["images"], IMAGES);

    let same = app.two_windows(1.0).await;
    assert_eq!(
        (&same["status"], &same["windows"]),
        (&json!("stable"), &json!(2))
    );
    assert_eq!(app.metric(DETECTED).await, 0.0);

    let darkened = app.two_windows(0.4).await;
    assert_eq!(darkened["status"], "drift");
    let brightness = feature(&darkened, "brightness");
    assert_eq!(brightness["drift"], true);
    assert!(brightness["psi"].as_f64() > Some(1.0), "{brightness}");
    assert!(brightness["p_value"].as_f64() < Some(1e-6), "{brightness}");
    assert_eq!(feature(&darkened, "size")["drift"], false);
    assert_eq!(app.metric(DETECTED).await, 1.0);

    let ended = app.two_windows(1.0).await;
    assert_eq!(
        (&ended["status"], &ended["windows"]),
        (&json!("stable"), &json!(6))
    );
    assert_eq!(app.metric(DETECTED).await, 0.0);
    let windows = "mien_drift_windows_total{model=\"small\",version=\"1\"}";
    assert_eq!(app.metric(windows).await, 6.0);
}

#[actix_web::test]
async fn histograms_contain_shares_of_evaluation_and_clients() {
    let (data, flag) = (data(), flag());
    let app = spawn(&data, &[&flag]);
    app.evaluate(&json!({"dataset": "faces"})).await;
    let drift = app.two_windows(1.0).await;
    for feature in drift["features"].as_array().unwrap() {
        let bins = feature["bins"].as_array().unwrap();
        for sample in ["reference", "live"] {
            let sum: f64 = bins.iter().map(|bin| bin[sample].as_f64().unwrap()).sum();
            assert!((sum - 1.0).abs() < 1e-9, "{feature}");
        }
    }
    let labels = feature(&drift, "label")["bins"].as_array().unwrap();
    let labels: Vec<_> = labels.iter().map(|bin| bin["label"].clone()).collect();
    assert_eq!(json!(labels), json!(LABELS));
    let size = &feature(&drift, "size")["bins"][1];
    assert_eq!((&size["from"], &size["live"]), (&json!(48.0), &json!(1.0)));
}

#[actix_web::test]
async fn only_predictions_for_clients_are_compared() {
    let (data, flag) = (data(), flag());
    let app = spawn(&data, &[&flag]);
    app.evaluate(&json!({"dataset": "faces"})).await;
    app.evaluate(&json!({"dataset": "faces", "limit": 50}))
        .await;
    assert_eq!(app.drift().await["window_images"], 0);

    let file = faces(1.0).swap_remove(0);
    let (status, _) = send(app.classify("", file)).await;
    assert_eq!(status, 200);
    let (status, _) = send(app.classify("", "not an image")).await;
    assert_eq!(status, 400);
    let tensor = json!({"name": "image", "datatype": "UINT8", "shape": [1, 1, 48, 48], "data": vec![90; 48 * 48]});
    let infer = app.client.post(app.url("/v2/models/small/infer"));
    let (status, body) = send(infer.json(&json!({"inputs": [tensor]}))).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(app.drift().await["window_images"], 2);
}

#[actix_web::test]
async fn reference_is_restored_after_restart_and_reload() {
    let (data, state, flag) = (data(), tempfile::tempdir().unwrap(), flag());
    let mut app = spawn_on(&state, &data, &[&flag]).await;
    let evaluation = app.evaluate(&json!({"dataset": "faces"})).await;
    app.stop_and_wait().await;

    let app = spawn_on(&state, &data, &[&flag]).await;
    let drift = app.two_windows(1.0).await;
    assert_eq!(drift["reference"]["evaluation"], evaluation);
    let load = app.client.post(app.url("/v1/models/small/load"));
    assert_eq!(load.send().await.unwrap().status(), 200);
    assert_eq!(app.drift().await, drift);
    let images = "mien_drift_reference_images{model=\"small\",version=\"1\"}";
    assert_eq!(app.metric(images).await, IMAGES as f64);
}

#[actix_web::test]
async fn unloaded_version_loses_series_until_it_is_loaded() {
    let (data, flag) = (data(), flag());
    let app = spawn(&data, &[&flag]);
    app.evaluate(&json!({"dataset": "faces"})).await;
    app.two_windows(0.4).await;
    assert_eq!(app.metric(DETECTED).await, 1.0);
    for (action, has_series) in [("unload", false), ("load", true)] {
        let change = app.url(&format!("/v1/models/small/{action}"));
        assert_eq!(app.client.post(change).send().await.unwrap().status(), 200);
        let metrics = app.get("/metrics").await.text().await.unwrap();
        assert_eq!(metrics.contains(DETECTED), has_series, "{action}");
    }
    assert_eq!(app.metric(DETECTED).await, 0.0);
    assert_eq!(app.drift().await["status"], "collecting");
}

#[actix_web::test]
async fn train_part_and_few_images_are_not_reference() {
    let (data, few) = (data(), data_set());
    let few = format!("--data=few={}", few.path().display());
    let app = spawn(&data, &[&few]);
    for request in [
        json!({"dataset": "faces", "split": "train"}),
        json!({"dataset": "faces", "limit": 120}),
        json!({"dataset": "few"}),
    ] {
        app.evaluate(&request).await;
        let drift = app.drift().await;
        assert_eq!(drift["status"], "no_reference", "{drift}");
    }
}

#[actix_web::test]
async fn disabled_drift_does_not_report_state_or_metrics() {
    let data = data();
    let app = spawn(&data, &["--drift=off"]);
    app.evaluate(&json!({"dataset": "faces"})).await;
    app.two_windows(1.0).await;
    assert_eq!(app.drift().await, Value::Null);
    let metrics = app.get("/metrics").await.text().await.unwrap();
    assert!(!metrics.contains("mien_drift"));
}
