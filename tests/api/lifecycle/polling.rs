//! Polling of the models directory (`--repository-poll-interval`).

use std::{fs, time::Duration};

use actix_web::rt;

use super::{models_dir, serve};
use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, assert_problem, face, fixture, install, send},
};

#[actix_web::test]
async fn polling_applies_changes_on_disk() {
    let root = models_dir(&[("m", "1", "small")]);
    let app = serve(&root, &["--repository-poll-interval=0.02"]);
    install(root.path(), "m", "2", "tiny");
    app.until_versions("m", &["1 unloaded", "2 ready"]).await;
    install(root.path(), "n", "1", "keras");
    app.until_versions("n", &["1 ready"]).await;

    // A new file of the same version is truncated first and complete later. The old one serves until then.
    let sha = async || app.json("/v1/models/m").await["versions"][1]["sha256"].clone();
    let before = sha().await;
    let whole = fs::read(fixture("models/small/1/model.onnx")).unwrap();
    let write = |bytes: &[u8]| {
        fs::write(root.path().join("new"), bytes).unwrap();
        fs::rename(root.path().join("new"), root.path().join("m/2/model.onnx")).unwrap();
    };
    write(&whole[..whole.len() / 2]);
    app.until_metric(
        "mien_model_loads_total{model=\"m\",outcome=\"failed\"}",
        1.0,
    )
    .await;
    assert_eq!(app.versions("m").await, ["1 unloaded", "2 ready"]);
    assert_eq!(sha().await, before);
    write(&whole);
    app.until_metric("mien_model_loads_total{model=\"m\",outcome=\"ok\"}", 3.0)
        .await;
    assert_ne!(sha().await, before);

    // A removed version is unloaded, and the lower version serves. A model without versions is removed.
    fs::remove_dir_all(root.path().join("m/2")).unwrap();
    app.until_versions("m", &["1 ready"]).await;
    assert_eq!(app.version("?model=m").await, "1");
    fs::remove_dir_all(root.path().join("n")).unwrap();
    app.until_versions("n", &[]).await;
    let text = app.get("/metrics").await.text().await.unwrap();
    // The queue and the counts of loads belong to the model and not to a version.
    let of_version = |line: &&str| line.contains("model=\"n\"") && line.contains("version=");
    assert_eq!(text.lines().find(of_version), None);
}

#[actix_web::test]
async fn removed_default_model_is_replaced_unless_set() {
    let root = models_dir(&[("best", "1", "small"), ("other", "1", "tiny")]);
    let (unset, set) = (
        serve(&root, &["--repository-poll-interval=0.02"]),
        ["--repository-poll-interval=0.02", "--default-model=best"],
    );
    let set = serve(&root, &set);
    assert_eq!(
        send(unset.classify("", face("happy"))).await.1["model"],
        "best"
    );
    fs::remove_dir_all(root.path().join("best")).unwrap();
    for app in [&unset, &set] {
        app.until_versions("best", &[]).await;
    }
    eventually(TIMEOUT, "another default model is chosen", async || {
        (unset.get("/health/ready").await.status() == 200).then_some(())
    })
    .await;
    assert_eq!(
        send(unset.classify("", face("happy"))).await.1["model"],
        "other"
    );
    assert_eq!(set.get("/health/ready").await.status(), 503);
}

#[actix_web::test]
async fn polling_ignores_unloaded_and_unchanged_models() {
    let root = models_dir(&[("m", "1", "small"), ("n", "1", "tiny")]);
    let app = serve(&root, &["--repository-poll-interval=0.02"]);
    app.unload("m").await;
    install(root.path(), "m", "2", "small");
    // The file is written again with the same content.
    install(root.path(), "n", "1", "tiny");
    install(root.path(), "last", "1", "tiny");
    app.until_versions("last", &["1 ready"]).await;
    // After one more poll, changes of the other models would have taken effect.
    install(root.path(), "last", "2", "tiny");
    app.until_versions("last", &["1 unloaded", "2 ready"]).await;
    assert_eq!(
        app.metric("mien_model_loads_total{model=\"m\",outcome=\"ok\"}")
            .await,
        1.0
    );
    assert_eq!(
        app.metric("mien_model_loads_total{model=\"n\",outcome=\"ok\"}")
            .await,
        1.0
    );
    assert_eq!(app.load("m").await.status(), 200);
    assert_eq!(app.version("?model=m").await, "2");
}

#[actix_web::test]
async fn missing_models_directory_keeps_models_serving() {
    let root = models_dir(&[("models/m", "1", "small")]);
    let directory = root.path().join("models");
    let app = TestApp::spawn_with(&[
        &format!("--models={}", directory.display()),
        "--repository-poll-interval=0.02",
    ]);
    fs::rename(&directory, root.path().join("elsewhere")).unwrap();
    fs::create_dir(&directory).unwrap();
    // Polls that must not unload the model cause no event. If no poll happens within this time, the test only becomes weaker.
    rt::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(app.version("").await, "1");
    assert_problem(app.load("m").await, 404, "unknown_model").await;
    fs::remove_dir(&directory).unwrap();
    assert_problem(app.load("m").await, 500, "internal").await;
    assert_eq!(app.version("").await, "1");
}
