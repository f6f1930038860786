//! `mien.toml` of a model.

use std::fs;

use serde_json::json;

use super::startup_error;
use crate::helpers::{TestApp, face, fixture, install, send};

#[actix_web::test]
async fn config_file_overrides_serving_options() {
    let root = tempfile::tempdir().unwrap();
    install(root.path(), "m", "1", "small");
    let config = "labels = ['a', 'b', 'c', 'd', 'e', 'f', 'g']\ninstances = 3\nintra_op_threads = 2\nmax_batch = 5\n";
    fs::write(root.path().join("m/1/mien.toml"), config).unwrap();
    let app = TestApp::spawn_with(&[&format!("--models={}", root.path().display())]);
    let version = &app.json("/v1/models/m").await["versions"][0];
    assert_eq!(
        version["labels"],
        json!(["a", "b", "c", "d", "e", "f", "g"])
    );
    let serving = &version["serving"];
    assert_eq!(
        (
            &serving["instances"],
            &serving["intra_op_threads"],
            &serving["max_batch"]
        ),
        (&json!(3), &json!(2), &json!(5))
    );
    assert_eq!(
        send(app.classify("", face("happy"))).await.1["predictions"][0]["label"],
        "c"
    );
}

#[actix_web::test]
async fn config_file_sets_output_kind() {
    let root = tempfile::tempdir().unwrap();
    install(root.path(), "m", "1", "keras");
    let labels = fs::read_to_string(fixture("models/keras/1/mien.toml")).unwrap();
    // If probabilities are read as logits, the softmax flattens them, but the result is still a distribution.
    fs::write(
        root.path().join("m/1/mien.toml"),
        format!("{labels}output = 'logits'\n"),
    )
    .unwrap();
    let app = TestApp::spawn_with(&[&format!("--models={}", root.path().display())]);
    let body = send(app.classify("", face("happy"))).await.1;
    let confidence = body["predictions"][0]["confidence"].as_f64().unwrap();
    assert!(
        confidence < 0.33,
        "a softmax over probabilities is at most e / (e + 6): {body}"
    );
}

#[actix_web::test]
async fn invalid_model_fails_with_reason() {
    let reason = async |config: &str, from: &str| {
        let root = tempfile::tempdir().unwrap();
        install(root.path(), "m", "1", from);
        let path = root.path().join("m/1/mien.toml");
        if config.is_empty() {
            let _ = fs::remove_file(path);
        } else {
            fs::write(path, config).unwrap();
        }
        startup_error(root.path(), &[]).await
    };
    for (config, from, expected) in [
        ("", "keras", "no labels"),
        ("labels = ['a', 'b']", "keras", "7 classes, but 2 labels"),
        (
            "labels = ['a', 'a', 'c', 'd', 'e', 'f', 'g']",
            "keras",
            "twice",
        ),
        ("scale = 1.0", "small", "uint8"),
        ("output = 'probability'", "small", "mien.toml"),
        ("labels", "small", "mien.toml"),
    ] {
        let error = reason(config, from).await;
        assert!(error.contains("m@1") && error.contains(expected), "{error}");
    }
}
