//! Evaluations that are rejected.

use std::fs;

use mien::startup::Application;
use serde_json::json;

use super::{data_set, spawn};
use crate::helpers::{TestApp, assert_problem, fixture, settings};

#[actix_web::test]
async fn invalid_evaluations_are_rejected() {
    let data = data_set();
    fs::remove_dir_all(data.path().join("train")).unwrap();
    let models = tempfile::tempdir().unwrap();
    for (name, labels) in [("moods", "good bad so la ti do re"), ("small", "")] {
        let folder = models.path().join(name).join("1");
        fs::create_dir_all(&folder).unwrap();
        fs::copy(
            fixture("models/small/1/model.onnx"),
            folder.join("model.onnx"),
        )
        .unwrap();
        if !labels.is_empty() {
            let labels: Vec<&str> = labels.split(' ').collect();
            fs::write(folder.join("mien.toml"), format!("labels = {labels:?}")).unwrap();
        }
    }
    let app = spawn(
        &data,
        &[
            &format!("--models={}", models.path().display()),
            "--default-model=small",
        ],
    );
    for (spec, status, code, detail) in [
        (
            json!({"dataset": "nope"}),
            404,
            "unknown_dataset",
            "configured: faces",
        ),
        (
            json!({"dataset": "../faces"}),
            404,
            "unknown_dataset",
            "unknown data set",
        ),
        (
            json!({"dataset": "faces", "limit": 10_000_001}),
            400,
            "invalid_request",
            "expected 1 to 10000000",
        ),
        (
            json!({"dataset": "faces", "model": "nope"}),
            404,
            "unknown_model",
            "nope",
        ),
        (
            json!({"dataset": "faces", "version": "7"}),
            404,
            "unknown_version",
            "7",
        ),
        (
            json!({"dataset": "faces", "version": 7}),
            404,
            "unknown_version",
            "7",
        ),
        (
            json!({"dataset": "faces", "version": []}),
            400,
            "invalid_request",
            "a string or a number",
        ),
        (
            json!({"dataset": "faces", "model": "moods"}),
            400,
            "invalid_request",
            "good, bad, so",
        ),
        (
            json!({"dataset": "faces", "split": "train"}),
            400,
            "invalid_request",
            "no train images",
        ),
        (
            json!({"dataset": "faces", "split": "dev"}),
            400,
            "invalid_request",
            "PublicTest",
        ),
        (
            json!({"dataset": "faces", "limit": 0}),
            400,
            "invalid_request",
            "nonzero",
        ),
        (
            json!({"dataset": "faces", "sample": 3}),
            400,
            "invalid_request",
            "sample",
        ),
        (json!({"split": "test"}), 400, "invalid_request", "dataset"),
    ] {
        let body = assert_problem(app.post_evaluation(&spec).await, status, code).await;
        assert!(
            body["detail"].as_str().unwrap().contains(detail),
            "{spec}: {body}"
        );
    }
    let post = || app.client.post(app.url("/v1/evaluations"));
    let json = post().header("content-type", "application/json").body("{");
    assert_problem(json.send().await.unwrap(), 400, "invalid_request").await;
    let text = post()
        .header("content-type", "text/plain")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_problem(text, 415, "unsupported_media_type").await;
    assert_problem(
        app.get("/v1/evaluations/nope").await,
        404,
        "unknown_evaluation",
    )
    .await;
    for (method, path, allow) in [
        ("DELETE", "/v1/evaluations", "GET, HEAD, POST"),
        ("POST", "/v1/evaluations/nope", "GET, HEAD, DELETE"),
    ] {
        let response = app
            .client
            .request(method.parse().unwrap(), app.url(path))
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["allow"], allow);
        assert_problem(response, 405, "method_not_allowed").await;
    }
    let delete = app
        .client
        .delete(app.url("/v1/evaluations/nope"))
        .send()
        .await
        .unwrap();
    assert_problem(delete, 404, "unknown_evaluation").await;

    let bare = TestApp::spawn();
    let body = assert_problem(
        bare.post_evaluation(&json!({"dataset": "faces"})).await,
        404,
        "unknown_dataset",
    );
    assert!(
        body.await["detail"]
            .as_str()
            .unwrap()
            .contains("--data NAME=DIR")
    );
}

#[actix_web::test]
async fn invalid_data_set_prevents_start() {
    let empty = tempfile::tempdir().unwrap();
    let source = format!("--data=faces={}", empty.path().display());
    let error = Application::build(&settings(&[&source]))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("is not a data set; expected the directories"),
        "{error}"
    );
}
