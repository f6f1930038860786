//! Requests while the models are loaded at startup.

use std::{fs, path::Path, process::Command};

use actix_web::rt;
use mien::startup::Application;
use serde_json::Value;

use super::{models_dir, models_flag};
use crate::helpers::{TestApp, assert_problem, face, settings};

/// Replaces the `mien.toml` of a version by a pipe. Loading the version blocks until the returned function is called, and
/// then finds no `mien.toml`.
fn block_loading(root: &Path, version: &str) -> impl FnOnce() + use<> {
    let (pipe, moved) = (
        root.join(version).join("mien.toml"),
        root.join("pipe-of-").join(version),
    );
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    fs::create_dir_all(moved.parent().unwrap()).unwrap();
    move || {
        // Opening blocks until the reader has opened the pipe. The reader waits for the end of the file.
        let writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
        fs::rename(&pipe, &moved).unwrap();
        drop(writer);
    }
}

#[actix_web::test]
async fn server_responds_while_models_are_loaded() {
    let root = models_dir(&[
        ("a", "1", "tiny"),
        ("b", "1", "small"),
        ("c", "1", "broken"),
    ]);
    let (release_a, release_b) = (
        block_loading(root.path(), "a/1"),
        block_loading(root.path(), "b/1"),
    );
    let app = TestApp::run_unready(Application::build(&settings(&[&models_flag(&root)])).unwrap());
    assert_eq!(app.get("/health/live").await.status(), 200);
    let ready = app.get("/health/ready").await;
    assert_eq!(ready.status(), 503);
    assert_eq!(ready.json::<Value>().await.unwrap()["status"], "loading");
    assert_eq!(app.versions("a").await, ["1 loading"]);
    for query in ["", "?model=a", "?model=b"] {
        let response = app.classify(query, face("happy")).send().await.unwrap();
        assert_eq!(response.headers()["retry-after"], "1");
        assert_problem(response, 503, "model_loading").await;
    }
    let response = app
        .classify("?model=x", face("happy"))
        .send()
        .await
        .unwrap();
    assert_problem(response, 404, "unknown_model").await;

    // The model with the best recorded accuracy is loaded first and makes the server ready.
    rt::task::spawn_blocking(release_b).await.unwrap();
    app.until_versions("b", &["1 ready"]).await;
    app.until_versions("a", &["1 loading"]).await;
    assert_eq!(app.version("").await, "1");
    assert_eq!(app.get("/health/ready").await.status(), 200);
    let response = app
        .classify("?model=a", face("happy"))
        .send()
        .await
        .unwrap();
    assert_problem(response, 503, "model_loading").await;

    rt::task::spawn_blocking(release_a).await.unwrap();
    app.until_versions("a", &["1 ready"]).await;
    app.until_versions("c", &["1 failed"]).await;
}
