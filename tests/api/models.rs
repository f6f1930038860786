//! `GET /v1/models`, the choice of versions and of the default model.

mod config_file;
mod formats;
mod ignored;

use std::path::Path;

use serde_json::Value;

use crate::helpers::{self, TestApp, assert_problem, face, fixture, install, send, settings};

async fn startup_error(models: &Path, flags: &[&str]) -> String {
    let models = format!("--models={}", models.display());
    helpers::startup_error(&settings(&[&[models.as_str()], flags].concat())).await
}

#[actix_web::test]
async fn list_contains_default_and_failed_models() {
    let app = TestApp::spawn();
    insta::assert_json_snapshot!(app.json("/v1/models").await);
}

#[actix_web::test]
async fn model_has_documented_shape() {
    let app = TestApp::spawn_with(&["--instances=1", "--intra-op-threads=1"]);
    insta::assert_json_snapshot!("model_small", app.json("/v1/models/small").await);
    insta::assert_json_snapshot!("model_keras", app.json("/v1/models/keras").await);
    insta::assert_json_snapshot!("model_broken", app.json("/v1/models/broken").await);
    assert_problem(app.get("/v1/models/nope").await, 404, "unknown_model").await;
}

#[actix_web::test]
async fn default_model_is_set_or_most_accurate() {
    let default = async |flags: &[&str]| {
        let app = TestApp::spawn_with(flags);
        send(app.classify("", face("happy"))).await.1["model"].clone()
    };
    assert_eq!(default(&[]).await, "small");
    assert_eq!(default(&["--default-model=tiny"]).await, "tiny");
    assert_eq!(default(&["--default-model=keras@1"]).await, "keras");
    for wrong in [
        "--default-model=nope",
        "--default-model=small@2",
        "--default-model=broken",
    ] {
        let error = startup_error(&fixture("models"), &[wrong]).await;
        assert!(error.contains("default model"), "{error}");
    }
}

#[actix_web::test]
async fn highest_loadable_version_serves() {
    let root = tempfile::tempdir().unwrap();
    install(root.path(), "m", "2", "small");
    install(root.path(), "m", "9", "tiny");
    install(root.path(), "m", "10", "tiny");
    install(root.path(), "m", "11", "broken");
    let models = format!("--models={}", root.path().display());
    let versions = |list: &Value| -> Vec<(String, String)> {
        let list = list["models"][0]["versions"].as_array().unwrap();
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        list.iter()
            .map(|v| (text(&v["version"]), text(&v["status"])))
            .collect()
    };
    let pair = |version: &str, status: &str| (version.to_owned(), status.to_owned());

    let app = TestApp::spawn_with(&[&models]);
    // The next lower version is loaded after the highest has failed.
    app.until_versions("m", &["2 unloaded", "9 unloaded", "10 ready", "11 failed"])
        .await;
    let list = app.json("/v1/models").await;
    let unloaded = [pair("2", "unloaded"), pair("9", "unloaded")];
    let loaded = [pair("10", "ready"), pair("11", "failed")];
    assert_eq!(versions(&list), [unloaded, loaded].concat());
    assert_eq!(
        send(app.classify("", face("happy"))).await.1["version"],
        "10"
    );

    let app = TestApp::spawn_with(&[&models, "--default-model=m@2"]);
    assert_eq!(
        send(app.classify("", face("happy"))).await.1["version"],
        "2"
    );
    assert_eq!(
        send(app.classify("?model=m", face("happy"))).await.1["version"],
        "10"
    );

    let app = TestApp::spawn_with(&[&models, "--version-policy=all"]);
    let list = app.json("/v1/models").await;
    let ready = ["2", "9", "10"].map(|version| pair(version, "ready"));
    assert_eq!(
        versions(&list),
        [&ready[..], &[pair("11", "failed")]].concat()
    );
    for version in ["2", "9", "10"] {
        let request = app.classify(&format!("?version={version}"), face("happy"));
        assert_eq!(send(request).await.1["version"], version);
    }
}

#[actix_web::test]
async fn startup_fails_without_loadable_model() {
    let empty = tempfile::tempdir().unwrap();
    assert!(
        startup_error(empty.path(), &[])
            .await
            .contains("<name>/<version>/model.onnx")
    );
    assert!(
        startup_error(&empty.path().join("none"), &[])
            .await
            .contains("--models")
    );
    install(empty.path(), "m", "1", "broken");
    let error = startup_error(empty.path(), &[]).await;
    assert!(
        error.contains("m@1") && error.contains("can be served"),
        "{error}"
    );
}
