//! Loading and unloading of models while the server runs.

mod model_flag;
mod polling;
mod reload;
mod selection;
mod startup;

use actix_web::rt;
use reqwest::Response;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, assert_problem, face, install, send},
};

/// Creates a models directory from names, versions and fixtures.
pub(crate) fn models_dir(models: &[(&str, &str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, version, from) in models {
        install(root.path(), name, version, from);
    }
    root
}

fn serve(root: &TempDir, flags: &[&str]) -> TestApp {
    TestApp::spawn_with(&[&[models_flag(root).as_str()], flags].concat())
}

/// Returns the flag `--models` of a directory.
pub(crate) fn models_flag(root: &TempDir) -> String {
    format!("--models={}", root.path().display())
}

impl TestApp {
    pub(crate) async fn post(&self, path: &str) -> Response {
        self.client.post(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn load(&self, name: &str) -> Response {
        self.post(&format!("/v1/models/{name}/load")).await
    }

    pub(crate) async fn unload(&self, name: &str) -> Response {
        self.post(&format!("/v1/models/{name}/unload")).await
    }

    /// Returns `version status` of each version of a model.
    pub(crate) async fn versions(&self, name: &str) -> Vec<String> {
        let model = self.json(&format!("/v1/models/{name}")).await;
        let versions = model["versions"].as_array().cloned().unwrap_or_default();
        let text = |v: &Value| {
            format!(
                "{} {}",
                v["version"].as_str().unwrap(),
                v["status"].as_str().unwrap()
            )
        };
        versions.iter().map(text).collect()
    }

    /// Waits until `versions` returns `expected`.
    pub(crate) async fn until_versions(&self, name: &str, expected: &[&str]) {
        let what = format!("the versions of {name} are {expected:?}");
        eventually(TIMEOUT, &what, async || {
            (self.versions(name).await == expected).then_some(())
        })
        .await;
    }

    /// Returns the version that serves a request with this query.
    pub(crate) async fn version(&self, query: &str) -> String {
        let (status, body) = send(self.classify(query, face("happy"))).await;
        assert_eq!(status, 200, "{body}");
        body["version"].as_str().unwrap().to_owned()
    }
}

#[actix_web::test]
async fn unloaded_model_serves_again_after_load() {
    let root = models_dir(&[("a", "1", "small"), ("b", "1", "tiny")]);
    let app = serve(&root, &["--default-model=b"]);
    let series = async |start: &str| {
        let text = app.get("/metrics").await.text().await.unwrap();
        text.lines().filter(|line| line.starts_with(start)).count()
    };
    assert_eq!(series("mien_model_info{").await, 2);

    let response = app.unload("a").await;
    assert_eq!(response.status(), 200);
    let body: Value = response.json().await.unwrap();
    assert_eq!(
        (&body["name"], &body["default"]),
        (&json!("a"), &json!(false))
    );
    app.until_versions("a", &["1 unloaded"]).await;
    let response = app
        .classify("?model=a", face("happy"))
        .send()
        .await
        .unwrap();
    let body = assert_problem(response, 404, "unknown_version").await;
    assert_eq!(body["detail"], "`a` does not serve: it is unloaded");
    assert_eq!(
        app.metric("mien_model_ready{model=\"a\",version=\"1\"}")
            .await,
        0.0
    );
    assert_eq!(series("mien_model_info{").await, 1);
    assert_eq!(
        app.unload("a").await.status(),
        200,
        "unloading twice is not an error"
    );
    assert_eq!(
        app.version("").await,
        "1",
        "the default model continues to serve"
    );

    assert_eq!(app.load("a").await.status(), 200);
    assert_eq!(app.version("?model=a").await, "1");
    assert_eq!(
        app.metric("mien_model_ready{model=\"a\",version=\"1\"}")
            .await,
        1.0
    );
    assert_eq!(series("mien_model_info{").await, 2);
}

#[actix_web::test]
async fn server_without_default_model_is_not_ready() {
    let root = models_dir(&[("a", "1", "small"), ("b", "1", "tiny")]);
    let app = serve(&root, &["--default-model=b"]);
    app.unload("b").await;
    let ready = app.get("/health/ready").await;
    assert_eq!(ready.status(), 503);
    assert_eq!(
        ready.json::<Value>().await.unwrap()["status"],
        "unavailable"
    );
}

#[actix_web::test]
async fn unknown_model_is_not_loaded_or_unloaded() {
    let root = models_dir(&[("a", "1", "small")]);
    let app = serve(&root, &[]);
    assert_problem(app.load("nope").await, 404, "unknown_model").await;
    assert_problem(app.unload("nope").await, 404, "unknown_model").await;
    assert_problem(app.load("..%2Fa").await, 404, "unknown_model").await;
}

#[actix_web::test]
async fn model_with_pending_requests_is_unloading() {
    let root = models_dir(&[("m", "1", "small")]);
    let app = serve(
        &root,
        &["--max-batch=4", "--max-queue-delay=60s", "--instances=1"],
    );
    let pending = rt::spawn(send(
        app.classify_many("", std::iter::repeat_n(face("happy"), 3)),
    ));
    app.until_metric("mien_queue_images{model=\"m\",priority=\"live\"}", 3.0)
        .await;
    app.unload("m").await;
    assert_eq!(app.versions("m").await, ["1 unloading"]);
    pending.abort();
    app.until_versions("m", &["1 unloaded"]).await;
}
