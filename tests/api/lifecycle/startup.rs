//! Requests while the models are loaded at startup.

use std::fs;

use mien::startup::Application;
use serde_json::Value;

use super::{models_dir, models_flag};
use crate::helpers::{TestApp, assert_problem, face, settings};

/// The trial of a model that does not end takes three times as long. The requests of the test take much less time.
const LIMIT: &str = "--inference-timeout=3s";

#[actix_web::test]
async fn server_responds_while_models_are_loaded() {
    let root = models_dir(&[
        ("a", "1", "../endless/always"),
        ("b", "1", "small"),
        ("c", "1", "broken"),
    ]);
    // The best recorded accuracy, so this version is loaded first.
    let best = root.path().join("best/1");
    fs::create_dir_all(&best).unwrap();
    let ensemble = "[ensemble]\nmembers = ['a@1']\naccuracy = {test = 0.9}";
    fs::write(best.join("mien.toml"), ensemble).unwrap();
    let settings = settings(&[LIMIT, &models_flag(&root)]);
    let app = TestApp::run_unready(Application::build(&settings).unwrap());
    assert_eq!(app.get("/health/live").await.status(), 200);
    let ready = app.get("/health/ready").await;
    assert_eq!(ready.status(), 503);
    assert_eq!(ready.json::<Value>().await.unwrap()["status"], "loading");
    assert_eq!(app.versions("b").await, ["1 loading"]);
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

    // The model with the next best recorded accuracy makes the server ready.
    app.until_versions("b", &["1 ready"]).await;
    app.until_versions("best", &["1 failed"]).await;
    app.until_versions("a", &["1 loading"]).await;
    assert_eq!(app.version("").await, "1");
    assert_eq!(app.get("/health/ready").await.status(), 200);
    let response = app
        .classify("?model=a", face("happy"))
        .send()
        .await
        .unwrap();
    assert_problem(response, 503, "model_loading").await;

    app.until_versions("a", &["1 failed"]).await;
    app.until_versions("c", &["1 failed"]).await;
}
