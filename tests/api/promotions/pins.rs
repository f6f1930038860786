//! The version that serves while a model is pinned.

use std::fs;

use serde_json::json;
use tempfile::TempDir;

use super::{faces, serve};
use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, install, send},
    lifecycle::{models_dir, models_flag},
    state::spawn_with_state,
};

async fn pin(app: &TestApp, model: &str) {
    let request = app.client.put(app.url(&format!("/v1/models/{model}/pin")));
    let (status, body) = send(request).await;
    assert_eq!((status, &body["pinned"]), (200, &body["serving"]), "{body}");
}

async fn unpin(app: &TestApp, model: &str) {
    let request = app
        .client
        .delete(app.url(&format!("/v1/models/{model}/pin")));
    let (status, body) = send(request).await;
    assert_eq!((status, &body["pinned"]), (200, &json!(null)), "{body}");
}

#[actix_web::test]
async fn newer_version_does_not_serve_pinned_model() {
    let root = models_dir(&[("m", "1", "small"), ("n", "1", "tiny")]);
    let app = serve(
        &root,
        &faces(),
        &["--repository-poll-interval=0.02", "--default-model=m"],
    );
    pin(&app, "m").await;
    pin(&app, "m").await;
    install(root.path(), "m", "2", "tiny");
    install(root.path(), "n", "2", "tiny");
    app.until_versions("m", &["1 ready", "2 unloaded"]).await;
    app.until_versions("n", &["1 unloaded", "2 ready"]).await;
    assert_eq!(app.load("m").await.status(), 200);
    assert_eq!(app.versions("m").await, ["1 ready", "2 unloaded"]);
    app.unload("m").await;
    assert_eq!(app.load("m").await.status(), 200);
    assert_eq!(app.version("").await, "1");

    // Changes of the pinned version itself are loaded.
    let before = app.json("/v1/models/m").await["versions"][0]["sha256"].clone();
    install(root.path(), "m", "1", "keras");
    eventually(TIMEOUT, "version 1 has another file", async || {
        let now = app.json("/v1/models/m").await["versions"][0]["sha256"].clone();
        (now != before).then_some(())
    })
    .await;
    assert_eq!(app.version("").await, "1");

    unpin(&app, "m").await;
    assert_eq!(app.version("").await, "2");
    app.until_versions("m", &["1 unloaded", "2 ready"]).await;
    unpin(&app, "m").await;
}

#[actix_web::test]
async fn removed_pinned_version_is_replaced_by_lower_one() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", "tiny"), ("n", "1", "tiny")]);
    let app = serve(
        &root,
        &faces(),
        &["--repository-poll-interval=0.02", "--default-model=n"],
    );
    pin(&app, "m").await;
    install(root.path(), "m", "3", "tiny");
    app.until_versions("m", &["1 unloaded", "2 ready", "3 unloaded"])
        .await;
    fs::remove_dir_all(root.path().join("m/2")).unwrap();
    app.until_versions("m", &["1 ready", "3 unloaded"]).await;
    assert_eq!(app.version("?model=m").await, "1");
    pin(&app, "m").await;
    // There is no lower version, so it continues to serve from memory.
    fs::remove_dir_all(root.path().join("m/1")).unwrap();
    install(root.path(), "n", "2", "tiny");
    app.until_versions("n", &["1 unloaded", "2 ready"]).await;
    install(root.path(), "m", "4", "tiny");
    app.until_versions("m", &["1 ready", "3 unloaded", "4 unloaded"])
        .await;
    assert_eq!(app.version("?model=m").await, "1");
    unpin(&app, "m").await;
    assert_eq!(app.version("?model=m").await, "4");
}

#[actix_web::test]
async fn policies_count_from_pinned_version_downwards() {
    let data = faces();
    let spec =
        |accuracy: f64| json!({"version": "2", "dataset": "faces", "min_accuracy": accuracy});
    for (policy, rejected, promoted) in [
        (
            "latest",
            ["1 ready", "2 unloaded"],
            ["1 unloaded", "2 ready"],
        ),
        (
            "latest:2",
            ["1 ready", "2 unloaded"],
            ["1 ready", "2 ready"],
        ),
        ("all", ["1 ready", "2 ready"], ["1 ready", "2 ready"]),
        ("1", ["1 ready", "2 unloaded"], ["1 ready", "2 ready"]),
    ] {
        let root = models_dir(&[("m", "1", "small")]);
        let app = serve(&root, &data, &[&format!("--version-policy={policy}")]);
        install(root.path(), "m", "2", "tiny");
        app.promote("m", &spec(1.0), "rejected").await;
        app.until_versions("m", &rejected).await;
        assert_eq!(app.version("").await, "1", "{policy}");
        app.promote("m", &spec(0.0), "promoted").await;
        app.until_versions("m", &promoted).await;
        assert_eq!(app.version("").await, "2", "{policy}");
        // In the other direction.
        let back = json!({"version": "1", "dataset": "faces", "limit": 1, "min_accuracy": 0});
        app.promote("m", &back, "promoted").await;
        assert_eq!(app.version("").await, "1", "{policy}");
        assert_eq!(app.load("m").await.status(), 200);
        assert_eq!(app.version("").await, "1", "{policy}");
    }
}

#[actix_web::test]
async fn loading_newer_version_keeps_pinned_version_serving() {
    let root = models_dir(&[
        ("m", "1", "small"),
        ("m", "2", "tiny"),
        ("m", "3", "tiny"),
        ("n", "1", "tiny"),
    ]);
    let data = faces();
    let app = serve(
        &root,
        &data,
        &[
            "--version-policy=all",
            "--repository-poll-interval=0.02",
            "--default-model=n",
        ],
    );
    let spec = json!({"version": "2", "dataset": "faces", "limit": 1, "min_accuracy": 0});
    app.promote("m", &spec, "promoted").await;
    assert_eq!(app.versions("m").await, ["1 ready", "2 ready", "3 ready"]);
    assert_eq!(app.version("?model=m").await, "2");
    assert_eq!(app.version("?model=m&version=3").await, "3");
    fs::remove_dir_all(root.path().join("m/2")).unwrap();
    app.until_versions("m", &["1 ready", "3 ready"]).await;
    assert_eq!(app.version("?model=m").await, "1");
    pin(&app, "m").await;
    fs::remove_dir_all(root.path().join("m/1")).unwrap();
    install(root.path(), "m", "4", "tiny");
    app.until_versions("m", &["1 ready", "3 ready", "4 ready"])
        .await;
    assert_eq!(app.version("?model=m").await, "1");
}

/// Starts a server with this state directory and these models.
async fn serve_on(state: &TempDir, root: &TempDir, flags: &[&str]) -> TestApp {
    spawn_with_state(state, &[&[models_flag(root).as_str()], flags].concat()).await
}

#[actix_web::test]
async fn pin_outlives_server() {
    let (root, state) = (
        models_dir(&[("m", "1", "small"), ("m", "2", "tiny")]),
        tempfile::tempdir(),
    );
    let state = state.unwrap();
    let mut app = serve_on(&state, &root, &["--version-policy=1"]).await;
    pin(&app, "m").await;
    app.stop_and_wait().await;
    drop(app);

    for policy in ["latest", "all", "2"] {
        let flag = format!("--version-policy={policy}");
        let mut app = serve_on(&state, &root, &[&flag]).await;
        assert_eq!(app.version("").await, "1", "{policy}");
        assert_eq!(app.json("/v1/models/m").await["pinned"], "1");
        app.stop_and_wait().await;
    }
    // The file of the pinned version is invalid, so another version serves.
    install(root.path(), "m", "1", "broken");
    let mut app = serve_on(&state, &root, &[]).await;
    assert_eq!(app.version("").await, "2");
    let model = app.json("/v1/models/m").await;
    assert_eq!(
        (&model["pinned"], &model["serving"]),
        (&json!("1"), &json!("2"))
    );
    assert_eq!(app.versions("m").await, ["1 failed", "2 ready"]);
    install(root.path(), "m", "1", "keras");
    assert_eq!(app.load("m").await.status(), 200);
    assert_eq!(app.version("").await, "1");
    app.until_versions("m", &["1 ready", "2 unloaded"]).await;
    unpin(&app, "m").await;
    app.stop_and_wait().await;
    drop(app);
    let app = serve_on(&state, &root, &[]).await;
    assert_eq!(app.version("").await, "2");
}
