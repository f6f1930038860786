//! Tuning: measured, stored and fixed configurations.

mod reconfiguration;

use std::{
    fs,
    path::{Path, PathBuf},
};

use actix_web::rt;
use serde_json::{Value, json};

use crate::{
    eventually::{TIMEOUT, eventually},
    faces::{DETECTOR, post},
    helpers::{TestApp, face, install, send},
    lifecycle::{models_dir, models_flag},
};

/// Starts a server that measures as soon as it is idle, whatever the load of the machine is.
fn start(cache: &Path, flags: &[&str]) -> TestApp {
    let cache = format!("--tune-cache={}", cache.display());
    let auto = [
        "--tune=auto",
        "--tune-budget=200ms",
        "--tune-idle=1ms",
        "--tune-max-load=1",
        &cache,
    ];
    TestApp::spawn_with(&[&auto, flags].concat())
}

impl TestApp {
    /// Returns the serving configuration of a version.
    async fn serving(&self, model: &str, version: &str) -> Value {
        let document = self.json(&format!("/v1/models/{model}")).await;
        let mut versions = document["versions"].as_array().unwrap().iter();
        let found = versions.find(|other| other["version"] == *version);
        found.unwrap()["serving"].clone()
    }

    /// Waits until the configuration of a model's version 1 has an origin, and returns it.
    async fn until_source(&self, model: &str, expected: &str) -> Value {
        let what = format!("the configuration of {model} is {expected}");
        eventually(TIMEOUT, &what, async || {
            let serving = self.serving(model, "1").await;
            (source(&serving) == expected).then_some(serving)
        })
        .await
    }
}

fn source(serving: &Value) -> &str {
    serving["tuning"]["source"].as_str().unwrap()
}

/// Returns instances, threads and batch size of a point or a serving configuration.
fn configuration(of: &Value, batch: &str) -> [u64; 3] {
    ["instances", "intra_op_threads", batch].map(|key| of[key].as_u64().unwrap())
}

/// Checks that the configuration is one of the measured points.
fn assert_measured(serving: &Value) {
    let tuning = &serving["tuning"];
    let points = tuning["points"].as_array().unwrap();
    let chosen = configuration(serving, "max_batch");
    let chosen = points
        .iter()
        .find(|point| configuration(point, "batch") == chosen);
    assert_eq!(chosen.unwrap()["spread"], tuning["spread"], "{serving}");
    for point in points {
        for figure in ["images_per_second", "run_ms"] {
            assert!(point[figure].as_f64().unwrap() > 0.0, "{point}");
        }
    }
    assert!((0.0..=1.0).contains(&tuning["load"].as_f64().unwrap()));
    assert!(tuning["measured_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(tuning["provisional"], false);
}

#[actix_web::test]
async fn curve_is_measured_once_and_listed() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    let measured = async || start(&cache, &[]).until_source("small", "measured").await;
    let first = measured().await;
    assert_measured(&first);

    let cached = async || start(&cache, &[]).serving("small", "1").await;
    let second = cached().await;
    assert_eq!(source(&second), "cached");
    for field in ["points", "measured_at", "load", "spread", "provisional"] {
        assert_eq!(second["tuning"][field], first["tuning"][field], "{field}");
    }
    assert_eq!(
        configuration(&second, "max_batch"),
        configuration(&first, "max_batch")
    );

    for file in fs::read_dir(&cache).unwrap() {
        fs::write(file.unwrap().path(), "{").unwrap();
    }
    assert_measured(&measured().await);
    assert_eq!(source(&cached().await), "cached");
}

/// Reads the only stored curve. The temporary file that the server renames to it does not count.
fn stored_curve(cache: &Path) -> Option<(PathBuf, Value)> {
    let files = fs::read_dir(cache).ok()?.flatten();
    let mut files = files
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"));
    let file = files.next()?;
    assert!(files.next().is_none(), "one curve");
    let curve = serde_json::from_slice(&fs::read(&file).ok()?).ok()?;
    Some((file, curve))
}

#[actix_web::test]
async fn detector_is_measured_and_uses_stored_curve() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    let flags = [
        "--instances=1",
        "--intra-op-threads=1",
        "--max-batch=1",
        DETECTOR,
    ];
    let mut app = start(&cache, &flags);
    let stored = async || stored_curve(&cache);
    let (file, mut curve) = eventually(TIMEOUT, "a stored curve", stored).await;
    assert_eq!(post(&app, "", face("sad")).await.0, 200);
    app.stop_and_wait().await;

    let mut point = curve["points"][0].take();
    point["instances"] = 3.into();
    curve["points"] = json!([point]);
    // A curve of a busy machine would be measured again.
    curve["provisional"] = false.into();
    fs::write(file, curve.to_string()).unwrap();
    let app = start(&cache, &flags);
    app.until_metric(r#"mien_workers{model="yunet",version="2023mar"}"#, 3.0)
        .await;
    assert_eq!(post(&app, "", face("sad")).await.0, 200);
}

#[actix_web::test]
async fn fixed_values_are_not_measured() {
    let directory = tempfile::tempdir().unwrap();
    let fixed = ["--instances=3", "--intra-op-threads=1", "--max-batch=5"];
    let given = start(directory.path(), &fixed).serving("small", "1").await;
    assert_eq!(
        (source(&given), configuration(&given, "max_batch")),
        ("settings", [3, 1, 5])
    );
    assert_eq!(given["tuning"].get("points"), None);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);

    let app = start(directory.path(), &fixed[..2]);
    let part = app.until_source("small", "measured").await;
    let points = part["tuning"]["points"].as_array().unwrap();
    assert!(
        points
            .iter()
            .all(|p| configuration(p, "batch")[..2] == [3, 1]),
        "{part}"
    );
    assert_eq!(configuration(&part, "max_batch")[..2], [3, 1]);
}

#[actix_web::test]
async fn tuning_works_when_off_or_without_cache() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let blocked = file.path().join("below-a-file");
    let app = start(&blocked, &["--instances=1", "--intra-op-threads=1"]);
    app.until_source("small", "measured").await;

    let app = TestApp::spawn_with(&["--tune=off"]);
    let off = app.serving("small", "1").await;
    assert_eq!(
        (source(&off), off["max_batch"].as_u64()),
        ("default", Some(8))
    );
}

#[actix_web::test]
async fn models_are_measured_only_while_server_is_idle() {
    let root = models_dir(&[("m", "1", "small")]);
    let cache = tempfile::tempdir().unwrap();
    let flags = [
        &models_flag(&root),
        "--version-policy=all",
        "--max-batch=4",
        "--max-queue-delay=1h",
    ];
    let app = start(cache.path(), &flags);
    let load = async |name: &str, version: &str, from: &str| {
        install(root.path(), name, version, from);
        assert_eq!(app.load(name).await.status(), 200);
        app.serving(name, version).await
    };
    load("idle", "1", "keras").await;
    app.until_source("idle", "measured").await;
    let before = app.until_source("m", "measured").await;

    // A queued image waits for its batch to fill up, so the server is busy.
    let _pending = rt::spawn(send(app.classify("?model=m", face("happy"))));
    app.until_metric("mien_queue_images{model=\"m\",priority=\"live\"}", 1.0)
        .await;
    assert_eq!(source(&load("other", "1", "tiny").await), "default");
    let successor = load("m", "2", "tiny").await;
    assert_eq!(source(&successor), "inherited");
    assert_eq!(
        configuration(&successor, "max_batch"),
        configuration(&before, "max_batch")
    );
    // A curve that is known is used while the server is busy.
    assert_eq!(source(&load("again", "1", "keras").await), "measured");
}
