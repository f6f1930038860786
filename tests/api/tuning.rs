//! Tuning: measured, stored and fixed configurations.

use std::{fs, path::Path};

use actix_web::rt;
use serde_json::Value;

use crate::{
    helpers::{TestApp, face, install, send},
    lifecycle::{models_dir, models_flag},
};

/// Starts a server with a short tuning budget and returns the serving configuration of its default model.
async fn serving(cache: &Path, flags: &[&str]) -> Value {
    let cache = format!("--tune-cache={}", cache.display());
    let auto = ["--tune=auto", "--tune-budget=200ms", &cache];
    let app = TestApp::spawn_with(&[&auto, flags].concat());
    let (status, _) = send(app.classify("", face("happy"))).await;
    assert_eq!(status, 200);
    app.json("/v1/models/small").await["versions"][0]["serving"].clone()
}

fn source(serving: &Value) -> &str {
    serving["tuning"]["source"].as_str().unwrap()
}

/// Returns instances, threads and batch size of a point or a serving configuration.
fn configuration(of: &Value, batch: &str) -> [u64; 3] {
    ["instances", "intra_op_threads", batch].map(|key| of[key].as_u64().unwrap())
}

#[actix_web::test]
async fn curve_is_measured_once_and_listed() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    let first = serving(&cache, &[]).await;
    assert_eq!(source(&first), "measured");
    let points = first["tuning"]["points"].as_array().unwrap();
    let chosen = configuration(&first, "max_batch");
    assert!(
        points
            .iter()
            .any(|point| configuration(point, "batch") == chosen),
        "{first}"
    );
    for point in points {
        assert!(
            point["images_per_second"].as_f64().unwrap() > 0.0,
            "{point}"
        );
        assert!(point["run_ms"].as_f64().unwrap() > 0.0, "{point}");
    }

    let second = serving(&cache, &[]).await;
    assert_eq!(source(&second), "cached");
    assert_eq!(second["tuning"]["points"], first["tuning"]["points"]);
    assert_eq!(configuration(&second, "max_batch"), chosen);

    for file in fs::read_dir(&cache).unwrap() {
        fs::write(file.unwrap().path(), "{").unwrap();
    }
    assert_eq!(source(&serving(&cache, &[]).await), "measured");
    assert_eq!(source(&serving(&cache, &[]).await), "cached");
}

#[actix_web::test]
async fn fixed_values_are_not_measured() {
    let directory = tempfile::tempdir().unwrap();
    let given = serving(
        directory.path(),
        &["--instances=3", "--intra-op-threads=1", "--max-batch=5"],
    )
    .await;
    assert_eq!(
        (source(&given), configuration(&given, "max_batch")),
        ("settings", [3, 1, 5])
    );
    assert_eq!(given["tuning"].get("points"), None);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);

    let part = serving(directory.path(), &["--instances=1", "--intra-op-threads=1"]).await;
    assert_eq!(source(&part), "measured");
    let points = part["tuning"]["points"].as_array().unwrap();
    assert!(
        points
            .iter()
            .all(|p| configuration(p, "batch")[..2] == [1, 1]),
        "{part}"
    );
    assert_eq!(configuration(&part, "max_batch")[..2], [1, 1]);
}

#[actix_web::test]
async fn tuning_works_when_off_or_without_cache() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let blocked = file.path().join("below-a-file");
    let flags = ["--instances=1", "--intra-op-threads=1"];
    assert_eq!(source(&serving(&blocked, &flags).await), "measured");

    let app = TestApp::spawn_with(&["--tune=off"]);
    let off = app.json("/v1/models/small").await["versions"][0]["serving"].clone();
    assert_eq!(
        (source(&off), off["max_batch"].as_u64()),
        ("default", Some(8))
    );
}

#[actix_web::test]
async fn later_models_are_measured_only_while_idle() {
    let root = models_dir(&[("m", "1", "small")]);
    let cache = tempfile::tempdir().unwrap();
    let flags = [
        &models_flag(&root),
        "--tune=auto",
        "--tune-budget=200ms",
        &format!("--tune-cache={}", cache.path().display()),
        "--max-batch=4",
        "--max-queue-delay=1h",
    ];
    let app = TestApp::spawn_with(&flags);
    let load = async |name: &str, version: &str, from: &str| {
        install(root.path(), name, version, from);
        assert_eq!(app.load(name).await.status(), 200);
        let model = app.json(&format!("/v1/models/{name}")).await;
        let mut versions = model["versions"].as_array().unwrap().iter();
        let loaded = versions.find(|other| other["version"] == *version).unwrap();
        loaded["serving"].clone()
    };
    let idle = load("idle", "1", "keras").await;
    assert_eq!(source(&idle), "measured");
    assert!(!idle["tuning"]["points"].as_array().unwrap().is_empty());

    // A queued image waits for its batch to fill up, so the server is busy.
    let _pending = rt::spawn(send(app.classify("?model=m", face("happy"))));
    app.until_metric("mien_queue_images{model=\"m\",priority=\"live\"}", 1.0)
        .await;
    let before = app.json("/v1/models/m").await["versions"][0]["serving"].clone();
    assert_eq!(source(&load("other", "1", "tiny").await), "default");
    let successor = load("m", "2", "tiny").await;
    assert_eq!(source(&successor), "inherited");
    assert_eq!(
        configuration(&successor, "max_batch"),
        configuration(&before, "max_batch")
    );
    // A stored curve is used while the server is busy.
    assert_eq!(source(&load("again", "1", "keras").await), "measured");
}
