//! Changes of the configuration while the server runs.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{assert_measured, configuration, source, start};
use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, face, send},
};

/// One session, so that a request is one inference call and every call uses all cores of the model.
const FLAGS: [&str; 3] = [
    "--instances=1",
    "--intra-op-threads=1",
    "--default-model=small@1",
];

/// Lets a server measure its default model, and replaces the points of the stored curve. Each point is a batch size and the
/// milliseconds of an inference call. `provisional` decides whether the next server measures again.
async fn store_curve(cache: &Path, runs: &[(u64, f64)], provisional: bool) {
    let only = [&FLAGS[..], &["--version-policy=none"]].concat();
    let mut app = start(cache, &only);
    app.until_source("small", "measured").await;
    app.stop_and_wait().await;
    let point = |&(batch, run_ms): &(u64, f64)| {
        let images_per_second = 1e3 * batch as f64 / run_ms;
        json!({
            "instances": 1,
            "intra_op_threads": 1,
            "batch": batch,
            "images_per_second": images_per_second,
            "run_ms": run_ms,
            "spread": 0.0,
        })
    };
    let points: Vec<Value> = runs.iter().map(point).collect();
    let mut files = fs::read_dir(cache).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none(), "only one model is loaded");
    let mut curve: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    curve["points"] = json!(points);
    curve["provisional"] = json!(provisional);
    fs::write(&file, curve.to_string()).unwrap();
}

#[actix_web::test]
async fn provisional_curve_is_replaced_when_idle() {
    let cache = tempfile::tempdir().unwrap();
    // A measurement never tries batches of three images.
    store_curve(cache.path(), &[(3, 1.0)], true).await;
    let app = start(cache.path(), &FLAGS);
    let serving = app.until_source("small", "measured").await;
    assert_measured(&serving);
    assert_ne!(configuration(&serving, "max_batch"), [1, 1, 3]);
    app.assert_classifies().await;
    // The model is loaded once for clients.
    let loads = "mien_model_loads_total{model=\"small\",outcome=\"ok\"}";
    assert_eq!(app.metric(loads).await, 1.0);
}

/// Sends requests with one, two and three images.
async fn classify(app: &TestApp) {
    for images in 1..=3 {
        let faces = std::iter::repeat_n(face("happy"), images);
        let (status, body) = send(app.classify_many("", faces)).await;
        assert_eq!(status, 200, "{body}");
    }
}

#[actix_web::test]
async fn live_traffic_corrects_configuration_without_errors() {
    let cache = tempfile::tempdir().unwrap();
    // Calls with three images appear impossibly fast, the smaller ones impossibly slow. Live calls contradict all three. The median
    // ratio is that of the smaller calls, so the corrected curve recommends batches of four images.
    let runs = [(1, 1e6), (2, 1e6), (3, 1e-6), (4, 1.0)];
    store_curve(cache.path(), &runs, false).await;
    let app = start(cache.path(), &FLAGS);
    let before = app.serving("small", "1").await;
    assert_eq!(source(&before), "cached");
    assert_eq!(configuration(&before, "max_batch"), [1, 1, 3]);
    let what = "live traffic corrects the configuration";
    let after = eventually(TIMEOUT, what, async || {
        classify(&app).await;
        let serving = app.serving("small", "1").await;
        (serving["max_batch"] != 3).then_some(serving)
    })
    .await;
    // The server may have measured the corrected curve again already.
    if source(&after) == "refined" {
        assert_eq!(configuration(&after, "max_batch"), [1, 1, 4]);
        assert_eq!(after["tuning"]["provisional"], true);
    }
    classify(&app).await;
    // The version serves like before, and its counters continue.
    let images =
        "mien_images_total{model=\"small\",outcome=\"ok\",priority=\"live\",version=\"1\"}";
    assert!(app.metric(images).await >= 600.0);
    assert_measured(&app.until_source("small", "measured").await);
}
