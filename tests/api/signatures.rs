//! Signed models (`--require-signature`). The program `model_signing` made the keys and signatures of the fixtures.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    helpers::{TestApp, assert_problem, face, fixture, install, send, settings, startup_error},
    lifecycle::{models_dir, models_flag},
};

fn key_flag(key: &str) -> String {
    let path = fixture("signed").join(key);
    format!("--require-signature={}", path.display())
}

fn serve(root: &TempDir) -> TestApp {
    TestApp::spawn_with(&[&models_flag(root), &key_flag("p256.pub")])
}

/// Writes a file and renames it into place.
fn replace(path: &Path, content: &[u8]) {
    let partial = path.with_file_name(".new");
    fs::write(&partial, content).unwrap();
    fs::rename(partial, path).unwrap();
}

/// Copies a signature of the fixtures into the directory of a version.
fn sign(root: &TempDir, version: &str, signature: &str) {
    let content = fs::read(fixture("signed").join(signature)).unwrap();
    replace(&root.path().join(version).join("model.sig"), &content);
}

/// Inverts a bit in the middle of a file.
fn flip(path: &Path) {
    let mut content = fs::read(path).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    replace(path, &content);
}

/// Returns a models directory with the signed version 1 of the model `m`.
fn signed_keras() -> TempDir {
    let root = models_dir(&[("m", "1", "keras")]);
    sign(&root, "m/1", "keras.sig");
    root
}

/// Loads a model, which must fail, and returns the reason that `GET /v1/models/{name}` shows for its version 1.
async fn refused(app: &TestApp, name: &str) -> String {
    let problem = assert_problem(app.load(name).await, 409, "invalid_model").await;
    let detail = problem["detail"].as_str().unwrap().to_owned();
    assert!(detail.ends_with("version 1 continues to serve"), "{detail}");
    let model = app.json(&format!("/v1/models/{name}")).await;
    let version = &model["versions"][0];
    assert_eq!(version["status"], "ready");
    let reason = version["reason"].as_str().unwrap().to_owned();
    assert!(detail.contains(&reason), "{detail}: {reason}");
    reason
}

#[actix_web::test]
async fn altered_model_file_is_rejected_and_loaded_version_serves() {
    let root = signed_keras();
    let app = serve(&root);
    let classify = async || send(app.classify("", face("happy"))).await;
    let before = classify().await;
    assert_eq!(before.0, 200);
    let model = root.path().join("m/1/model.onnx");
    let content = fs::read(&model).unwrap();
    flip(&model);
    let reason = refused(&app, "m").await;
    let expected = "`model.onnx` differs from the file that was signed; restore the file or sign the version again";
    assert_eq!(reason, expected);
    assert_eq!(classify().await, before);

    replace(&model, &content);
    assert_eq!(app.load("m").await.status(), 200);
    let model = app.json("/v1/models/m").await;
    assert_eq!(model["versions"][0]["reason"], Value::Null);
    assert_eq!(classify().await, before);
}

#[actix_web::test]
async fn each_file_of_a_version_must_be_signed() {
    let root = signed_keras();
    let app = serve(&root);
    let directory = root.path().join("m/1");
    let config = directory.join("mien.toml");
    let content = fs::read(&config).unwrap();
    flip(&config);
    let altered = refused(&app, "m").await;
    assert!(altered.starts_with("`mien.toml` differs"), "{altered}");
    fs::remove_file(&config).unwrap();
    let missing = refused(&app, "m").await;
    assert!(
        missing.starts_with("`mien.toml` does not exist"),
        "{missing}"
    );
    replace(&config, &content);

    sign(&root, "m/1", "keras-p384.sig");
    let other_key = refused(&app, "m").await;
    assert!(other_key.contains("does not match a key"), "{other_key}");
    sign(&root, "m/1", "small.sig");
    let uncovered = refused(&app, "m").await;
    assert!(
        uncovered.starts_with("`mien.toml` is not covered"),
        "{uncovered}"
    );
    replace(&directory.join("model.sig"), b"{}");
    let invalid = refused(&app, "m").await;
    assert!(
        invalid.starts_with("model.sig is not a signature"),
        "{invalid}"
    );
    fs::remove_file(directory.join("model.sig")).unwrap();
    let unsigned = refused(&app, "m").await;
    assert!(
        unsigned.starts_with("the version is not signed"),
        "{unsigned}"
    );
    sign(&root, "m/1", "keras.sig");
    assert_eq!(app.load("m").await.status(), 200);
}

#[actix_web::test]
async fn altered_external_data_is_rejected() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("m/1");
    fs::create_dir_all(&directory).unwrap();
    for file in ["model.onnx", "model.onnx.data"] {
        fs::copy(fixture("external/small/1").join(file), directory.join(file)).unwrap();
    }
    sign(&root, "m/1", "external.sig");
    let app = serve(&root);
    app.assert_classifies().await;
    flip(&directory.join("model.onnx.data"));
    let reason = refused(&app, "m").await;
    assert!(reason.starts_with("`model.onnx.data` differs"), "{reason}");
    app.assert_classifies().await;
}

#[actix_web::test]
async fn ensemble_and_members_must_be_signed() {
    let root = models_dir(&[("keras", "1", "keras"), ("other", "1", "keras")]);
    let ensemble = root.path().join("duo/1");
    fs::create_dir_all(&ensemble).unwrap();
    let config = fs::read(fixture("signed/duo.toml")).unwrap();
    replace(&ensemble.join("mien.toml"), &config);
    for (version, signature) in [
        ("duo/1", "duo.sig"),
        ("keras/1", "keras.sig"),
        ("other/1", "keras.sig"),
    ] {
        sign(&root, version, signature);
    }
    let app = serve(&root);
    assert_eq!(app.version("?model=duo").await, "1");
    flip(&root.path().join("other/1/model.onnx"));
    let member = refused(&app, "duo").await;
    let expected = "member `other@1`: `model.onnx` differs";
    assert!(member.starts_with(expected), "{member}");
    let weighted = [&config[..], b"weights = [3, 1]\n"].concat();
    replace(&ensemble.join("mien.toml"), &weighted);
    let own = refused(&app, "duo").await;
    assert!(own.starts_with("`mien.toml` differs"), "{own}");
    assert_eq!(app.version("?model=duo").await, "1");
}

#[actix_web::test]
async fn unsigned_models_and_versions_are_not_served() {
    // The unsigned model has the best recorded accuracy.
    let root = models_dir(&[("best", "1", "small"), ("m", "1", "keras")]);
    sign(&root, "m/1", "keras.sig");
    let app = serve(&root);
    app.until_versions("best", &["1 failed"]).await;
    let (status, body) = send(app.classify("", face("happy"))).await;
    assert_eq!((status, body["model"].as_str()), (200, Some("m")));

    install(root.path(), "m", "2", "tiny");
    assert_problem(app.load("m").await, 409, "invalid_model").await;
    assert_eq!(app.versions("m").await, ["1 ready", "2 failed"]);
    sign(&root, "m/2", "tiny.sig");
    assert_eq!(app.load("m").await.status(), 200);
    app.until_versions("m", &["1 unloaded", "2 ready"]).await;
}

#[actix_web::test]
async fn server_without_signed_model_does_not_start() {
    let root = models_dir(&[("m", "1", "small")]);
    let models = models_flag(&root);
    let error = startup_error(&settings(&[&models, &key_flag("p256.pub")])).await;
    assert!(error.contains("m@1: the version is not signed"), "{error}");
    let error = startup_error(&settings(&[&models, &key_flag("duo.toml")])).await;
    assert!(error.contains("--require-signature"), "{error}");
}
