//! Which version serves while a model is pinned, through all that happens on disk and by orders.

use std::fs;

use mien::startup::Application;
use serde_json::json;
use tempfile::TempDir;

use super::{faces, serve};
use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, answer, install, settings},
    lifecycle::{folder, models},
};

async fn pin(app: &TestApp, model: &str) {
    let request = app.client.put(app.url(&format!("/v1/models/{model}/pin")));
    let (status, body) = answer(request).await;
    assert_eq!((status, &body["pinned"]), (200, &body["serving"]), "{body}");
}

async fn release(app: &TestApp, model: &str) {
    let request = app
        .client
        .delete(app.url(&format!("/v1/models/{model}/pin")));
    let (status, body) = answer(request).await;
    assert_eq!((status, &body["pinned"]), (200, &json!(null)), "{body}");
}

#[actix_web::test]
async fn a_newer_version_does_not_take_the_traffic_of_a_pinned_model() {
    let root = models(&[("m", "1", "small"), ("n", "1", "tiny")]);
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

    // Files of the pinned version itself are followed.
    let before = app.json("/v1/models/m").await["versions"][0]["sha256"].clone();
    install(root.path(), "m", "1", "keras");
    eventually(TIMEOUT, "version 1 has another file", async || {
        let now = app.json("/v1/models/m").await["versions"][0]["sha256"].clone();
        (now != before).then_some(())
    })
    .await;
    assert_eq!(app.version("").await, "1");

    release(&app, "m").await;
    assert_eq!(app.version("").await, "2");
    app.until_versions("m", &["1 unloaded", "2 ready"]).await;
    release(&app, "m").await;
}

#[actix_web::test]
async fn the_pinned_version_goes_and_what_is_below_it_takes_over() {
    let root = models(&[("m", "1", "small"), ("m", "2", "tiny"), ("n", "1", "tiny")]);
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
    // Nothing is below this one: it goes on from memory.
    fs::remove_dir_all(root.path().join("m/1")).unwrap();
    install(root.path(), "n", "2", "tiny");
    app.until_versions("n", &["1 unloaded", "2 ready"]).await;
    install(root.path(), "m", "4", "tiny");
    app.until_versions("m", &["1 ready", "3 unloaded", "4 unloaded"])
        .await;
    assert_eq!(app.version("?model=m").await, "1");
    release(&app, "m").await;
    assert_eq!(app.version("?model=m").await, "4");
}

#[actix_web::test]
async fn policies_count_from_the_pinned_version_down() {
    let data = faces();
    let order =
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
        let root = models(&[("m", "1", "small")]);
        let app = serve(&root, &data, &[&format!("--version-policy={policy}")]);
        install(root.path(), "m", "2", "tiny");
        app.promoted("m", &order(1.0), "rejected").await;
        app.until_versions("m", &rejected).await;
        assert_eq!(app.version("").await, "1", "{policy}");
        app.promoted("m", &order(0.0), "promoted").await;
        app.until_versions("m", &promoted).await;
        assert_eq!(app.version("").await, "2", "{policy}");
        // And back.
        let back = json!({"version": "1", "dataset": "faces", "limit": 1, "min_accuracy": 0});
        app.promoted("m", &back, "promoted").await;
        assert_eq!(app.version("").await, "1", "{policy}");
        assert_eq!(app.load("m").await.status(), 200);
        assert_eq!(app.version("").await, "1", "{policy}");
    }
}

#[actix_web::test]
async fn what_is_newer_is_not_let_in_though_it_is_loaded() {
    let root = models(&[
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
    let order = json!({"version": "2", "dataset": "faces", "limit": 1, "min_accuracy": 0});
    app.promoted("m", &order, "promoted").await;
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

/// A server whose state is in a folder that nobody uses any more.
fn serve_on(state: &TempDir, root: &TempDir, flags: &[&str]) -> TestApp {
    let state = format!("--state={}", state.path().display());
    let models = folder(root);
    let flags = [&[models.as_str(), state.as_str()], flags].concat();
    TestApp::run(Application::build(&settings(&flags)).unwrap())
}

#[actix_web::test]
async fn a_pin_outlives_the_server() {
    let (root, state) = (
        models(&[("m", "1", "small"), ("m", "2", "tiny")]),
        tempfile::tempdir(),
    );
    let state = state.unwrap();
    let mut app = serve_on(&state, &root, &["--version-policy=1"]);
    pin(&app, "m").await;
    app.ended().await;
    drop(app);

    for policy in ["latest", "all", "2"] {
        let flag = format!("--version-policy={policy}");
        let mut app = serve_on(&state, &root, &[&flag]);
        assert_eq!(app.version("").await, "1", "{policy}");
        assert_eq!(app.json("/v1/models/m").await["pinned"], "1");
        app.ended().await;
    }
    // Its file is broken: better another version than none, and the documents say which.
    install(root.path(), "m", "1", "broken");
    let mut app = serve_on(&state, &root, &[]);
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
    release(&app, "m").await;
    app.ended().await;
    drop(app);
    let app = serve_on(&state, &root, &[]);
    assert_eq!(app.version("").await, "2");
}
