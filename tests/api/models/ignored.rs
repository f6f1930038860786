//! Files and directories that look like models but have the wrong name or place.

use std::fs;

use serde_json::{Value, json};

use super::startup_error;
use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, assert_problem, fixture, install, make_fifo},
    lifecycle::{models_dir, models_flag},
};

/// Returns the path and the expectation of each ignored path.
async fn ignored(app: &TestApp) -> Vec<(String, String)> {
    let list = app.json("/v1/models").await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let ignored = list["ignored"].as_array().unwrap();
    ignored
        .iter()
        .map(|entry| (text(&entry["path"]), text(&entry["expected"])))
        .collect()
}

#[actix_web::test]
async fn model_file_that_is_a_fifo_is_ignored() {
    let root = models_dir(&[("good", "1", "small")]);
    make_fifo(&root.path().join("pipe/1"), "model.onnx");
    make_fifo(&root.path().join("ensemble/1"), "mien.toml");
    let app = TestApp::spawn_with(&[&models_flag(&root)]);
    let expected = ["ensemble/1/mien.toml", "pipe/1/model.onnx"]
        .map(|path| (path.to_owned(), "a regular file".to_owned()));
    assert_eq!(ignored(&app).await, expected);
    app.assert_classifies().await;
}

#[actix_web::test]
async fn fifo_next_to_model_file_fails_the_load() {
    let root = models_dir(&[("good", "1", "small"), ("bad", "1", "small")]);
    make_fifo(&root.path().join("bad/1"), "mien.toml");
    let app = TestApp::spawn_with(&[&models_flag(&root)]);
    let body = assert_problem(app.load("bad").await, 409, "invalid_model").await;
    let detail = body["detail"].as_str().unwrap();
    assert!(
        detail.contains("mien.toml: it is not a regular file"),
        "{detail}"
    );
    // A FIFO that replaces the file of a loaded model does not block the thread that loads models either.
    fs::remove_file(root.path().join("good/1/model.onnx")).unwrap();
    make_fifo(&root.path().join("good/1"), "model.onnx");
    assert_problem(app.load("good").await, 404, "unknown_model").await;
    app.assert_classifies().await;
}

#[actix_web::test]
async fn misplaced_models_are_listed_with_expectation() {
    let root = models_dir(&[("good", "1", "small")]);
    let model = fixture("models/small/1/model.onnx");
    for path in [
        "flat/model.onnx",
        "renamed/1/net.onnx",
        "good/v2/model.onnx",
        "good/03/model.onnx",
    ] {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(&model, path).unwrap();
    }
    let app = TestApp::spawn_with(&[&models_flag(&root)]);
    let ignored = ignored(&app).await;
    let paths: Vec<&str> = ignored.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "flat/model.onnx",
            "good/03",
            "good/v2",
            "renamed/1/net.onnx"
        ]
    );
    assert_eq!(ignored[0].1, "flat/1/model.onnx");
    assert!(ignored[2].1.contains("for example good/1"), "{ignored:?}");
    assert_eq!(ignored[3].1, "renamed/1/model.onnx");
    assert_eq!(
        app.json("/v1/models").await["models"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[actix_web::test]
async fn corrected_model_is_no_longer_listed() {
    let root = models_dir(&[("good", "1", "small")]);
    install(root.path(), "good", "v2", "small");
    let polling = "--repository-poll-interval=0.02";
    let app = TestApp::spawn_with(&[&models_flag(&root), polling]);
    assert_eq!(ignored(&app).await.len(), 1);
    fs::rename(root.path().join("good/v2"), root.path().join("good/2")).unwrap();
    app.until_versions("good", &["1 unloaded", "2 ready"]).await;
    eventually(TIMEOUT, "no path is ignored", async || {
        let list = app.json("/v1/models").await;
        (list["ignored"] == json!([])).then_some(())
    })
    .await;
}

#[actix_web::test]
async fn startup_error_lists_misplaced_models() {
    let root = tempfile::tempdir().unwrap();
    install(root.path(), "m", "v1", "small");
    let error = startup_error(root.path(), &[]).await;
    assert!(error.contains("ignored: m/v1 (expected m/N"), "{error}");
}
