//! Models that are loaded, unloaded and changed while the server runs.

use std::{fs, path::Path, process::Command, time::Duration};

use actix_web::rt;
use mien::startup::Application;
use reqwest::Response;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, assert_problem, face, fixture, install, send, settings, startup_error},
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

    /// Waits until the versions of a model stand so.
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
async fn reloading_model_fails_no_request() {
    let root = models_dir(&[("m", "1", "small")]);
    let app = serve(&root, &[]);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let raw = |path: &str| {
        let request = app.client.post(app.url(path));
        request
            .header("inference-header-content-length", 0)
            .body(vec![128; 48 * 48])
    };
    let picture = || app.classify("", face("happy"));
    let two = "/v2/models/m/infer";
    let clients: Vec<_> = [picture(), picture(), raw(two), raw(two)]
        .into_iter()
        .map(|request| {
            let stopped = stopped.clone();
            rt::spawn(async move {
                let mut statuses = Vec::new();
                while !*stopped.borrow() {
                    let request = request.try_clone().expect("its body is in memory");
                    statuses.push(request.send().await.unwrap().status().as_u16());
                }
                statuses
            })
        })
        .collect();
    for _ in 0..50 {
        assert_eq!(app.load("m").await.status(), 200);
    }
    stop.send(true).unwrap();
    for client in clients {
        let statuses = client.await.unwrap();
        assert!(!statuses.is_empty() && statuses.iter().all(|status| *status == 200));
    }
    let loads = "mien_model_loads_total{model=\"m\",outcome=\"ok\"}";
    assert_eq!(app.metric(loads).await, 51.0);
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
    let refused = app
        .classify("?model=a", face("happy"))
        .send()
        .await
        .unwrap();
    let body = assert_problem(refused, 404, "unknown_version").await;
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
    assert_eq!(app.version("").await, "1", "the other one serves");

    assert_eq!(app.load("a").await.status(), 200);
    assert_eq!(app.version("?model=a").await, "1");
    assert_eq!(
        app.metric("mien_model_ready{model=\"a\",version=\"1\"}")
            .await,
        1.0
    );
    assert_eq!(series("mien_model_info{").await, 2);

    // Without its default model the server is not ready.
    app.unload("b").await;
    let ready = app.get("/health/ready").await;
    assert_eq!(ready.status(), 503);
    assert_eq!(
        ready.json::<Value>().await.unwrap()["status"],
        "unavailable"
    );
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
    let held = rt::spawn(send(
        app.classify_many("", std::iter::repeat_n(face("happy"), 3)),
    ));
    app.until_metric("mien_queue_images{model=\"m\"}", 3.0)
        .await;
    app.unload("m").await;
    assert_eq!(app.versions("m").await, ["1 unloading"]);
    held.abort();
    app.until_versions("m", &["1 unloaded"]).await;
}

#[actix_web::test]
async fn pending_request_completes_during_reload() {
    let root = models_dir(&[("m", "1", "small")]);
    let app = serve(
        &root,
        &["--max-batch=2", "--max-queue-delay=1s", "--instances=1"],
    );
    let held = rt::spawn(send(app.classify("", face("happy"))));
    app.until_metric("mien_queue_images{model=\"m\"}", 1.0)
        .await;
    assert_eq!(app.load("m").await.status(), 200);
    assert_eq!(held.await.unwrap().0, 200);
}

#[actix_web::test]
async fn invalid_latest_version_keeps_previous_serving() {
    let root = models_dir(&[("m", "1", "small")]);
    let app = serve(&root, &[]);
    install(root.path(), "m", "2", "broken");
    let problem = assert_problem(app.load("m").await, 409, "invalid_model").await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("version 2 of model `m` cannot be served: "),
        "{detail}"
    );
    assert!(
        detail.ends_with("; version 1 continues to serve"),
        "{detail}"
    );
    let model = app.json("/v1/models/m").await;
    assert_eq!(app.versions("m").await, ["1 ready", "2 failed"]);
    assert!(
        model["versions"][1]["reason"]
            .as_str()
            .unwrap()
            .contains("Protobuf"),
        "{model}"
    );
    assert_eq!(app.version("").await, "1");
    assert_eq!(
        app.metric("mien_model_ready{model=\"m\",version=\"2\"}")
            .await,
        0.0
    );
    assert_eq!(
        app.metric("mien_model_loads_total{model=\"m\",outcome=\"failed\"}")
            .await,
        1.0
    );

    install(root.path(), "m", "2", "tiny");
    assert_eq!(app.load("m").await.status(), 200);
    assert_eq!(app.version("").await, "2");
    app.until_versions("m", &["1 unloaded", "2 ready"]).await;
}

#[actix_web::test]
async fn invalid_replacement_file_keeps_version_serving() {
    let root = models_dir(&[("m", "1", "small")]);
    let app = serve(&root, &[]);
    let before = send(app.classify("", face("happy"))).await;
    install(root.path(), "m", "1", "broken");
    assert_problem(app.load("m").await, 409, "invalid_model").await;
    let model = app.json("/v1/models/m").await;
    let version = &model["versions"][0];
    assert_eq!(version["status"], "ready");
    assert!(
        version["reason"].as_str().unwrap().contains("Protobuf"),
        "{model}"
    );
    assert_eq!(send(app.classify("", face("happy"))).await, before);
    assert_eq!(
        app.metric("mien_model_ready{model=\"m\",version=\"1\"}")
            .await,
        1.0
    );

    install(root.path(), "m", "1", "tiny");
    assert_eq!(app.load("m").await.status(), 200);
    let model = app.json("/v1/models/m").await;
    assert_eq!(model["versions"][0].get("reason"), None, "{model}");
    assert_eq!(
        model["versions"][0]["input"]["shape"],
        json!(["N", "32", "32"])
    );
}

#[actix_web::test]
async fn alias_refers_to_model_or_version() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", "small"), ("n", "1", "tiny")]);
    let flags = [
        "--alias=stable=m@1",
        "--alias=newest=m,soon=later",
        "--default-model=stable",
    ];
    let app = serve(&root, &flags);
    assert_eq!(app.version("").await, "1");
    assert_eq!(app.version("?model=stable").await, "1");
    assert_eq!(app.version("?model=stable&version=1").await, "1");
    assert_eq!(app.version("?model=newest").await, "2");
    assert_eq!(app.version("?model=newest&version=1").await, "1");
    let refused = app
        .classify("?model=stable&version=2", face("happy"))
        .send()
        .await
        .unwrap();
    assert_problem(refused, 404, "unknown_version").await;

    let model = app.json("/v1/models/stable").await;
    assert_eq!(
        (&model["name"], &model["default"]),
        (&json!("m"), &json!(true))
    );
    let aliases =
        json!([{"alias": "newest", "version": null}, {"alias": "stable", "version": "1"}]);
    assert_eq!(model["aliases"], aliases);
    let text = app.get("/metrics").await.text().await.unwrap();
    assert!(
        !text.contains("stable") && !text.contains("newest"),
        "metrics contain only real names"
    );

    // The target of the alias is added later.
    let refused = app
        .classify("?model=soon", face("happy"))
        .send()
        .await
        .unwrap();
    let problem = assert_problem(refused, 404, "unknown_model").await;
    assert_eq!(
        problem["detail"],
        "alias `soon` refers to `later`, and there is no model of this name"
    );
    install(root.path(), "later", "1", "tiny");
    assert_eq!(app.load("soon").await.status(), 200);
    assert_eq!(app.version("?model=soon").await, "1");

    let shadows = startup_error(&settings(&[&models_flag(&root), "--alias=n=m"])).await;
    assert!(shadows.contains("--alias redefines `n`"), "{shadows}");
}

#[actix_web::test]
async fn version_policy_selects_versions() {
    let root = models_dir(&[
        ("a", "1", "small"),
        ("a", "2", "small"),
        ("a", "3", "small"),
        ("b", "1", "tiny"),
        ("b", "2", "tiny"),
    ]);
    let app = serve(
        &root,
        &["--version-policy=latest:2", "--version-policy=b=1"],
    );
    assert_eq!(
        app.versions("a").await,
        ["1 unloaded", "2 ready", "3 ready"]
    );
    assert_eq!(app.versions("b").await, ["1 ready", "2 unloaded"]);

    let app = serve(&root, &["--version-policy=a=1,3", "--default-model=a"]);
    assert_eq!(
        app.versions("a").await,
        ["1 ready", "2 unloaded", "3 ready"]
    );
    assert_eq!(app.versions("b").await, ["1 unloaded", "2 ready"]);
    // A version in the policy may be added later.
    fs::remove_dir_all(root.path().join("a/1")).unwrap();
    fs::remove_dir_all(root.path().join("a/3")).unwrap();
    let app = serve(&root, &["--version-policy=a=1,3", "--default-model=b"]);
    let problem = assert_problem(app.load("a").await, 409, "invalid_model").await;
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("--version-policy"),
        "{problem}"
    );
    install(root.path(), "a", "3", "small");
    assert_eq!(app.load("a").await.status(), 200);
    assert_eq!(app.version("?model=a").await, "3");
}

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
    for gone in [
        "mien_model_ready{model=\"n\"",
        "mien_model_info{architecture=\"unknown\",model=\"n\"",
    ] {
        assert!(!text.contains(gone), "{gone}");
    }
}

#[actix_web::test]
async fn removed_default_model_is_replaced_unless_set() {
    let root = models_dir(&[("best", "1", "small"), ("other", "1", "tiny")]);
    let (free, named) = (
        serve(&root, &["--repository-poll-interval=0.02"]),
        ["--repository-poll-interval=0.02", "--default-model=best"],
    );
    let named = serve(&root, &named);
    assert_eq!(
        send(free.classify("", face("happy"))).await.1["model"],
        "best"
    );
    fs::remove_dir_all(root.path().join("best")).unwrap();
    for app in [&free, &named] {
        app.until_versions("best", &[]).await;
    }
    eventually(TIMEOUT, "another default model is chosen", async || {
        (free.get("/health/ready").await.status() == 200).then_some(())
    })
    .await;
    assert_eq!(
        send(free.classify("", face("happy"))).await.1["model"],
        "other"
    );
    assert_eq!(named.get("/health/ready").await.status(), 503);
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
    let folder = root.path().join("models");
    let app = TestApp::spawn_with(&[
        &format!("--models={}", folder.display()),
        "--repository-poll-interval=0.02",
    ]);
    fs::rename(&folder, root.path().join("elsewhere")).unwrap();
    fs::create_dir(&folder).unwrap();
    rt::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(app.version("").await, "1");
    assert_problem(app.load("m").await, 404, "unknown_model").await;
    fs::remove_dir(&folder).unwrap();
    assert_problem(app.load("m").await, 500, "internal").await;
    assert_eq!(app.version("").await, "1");
}

/// Replaces the `mien.toml` of a version by a pipe. Loading the version blocks until the returned function is called, and
/// then finds no `mien.toml`.
fn hold(root: &Path, version: &str) -> impl FnOnce() + use<> {
    let (pipe, aside) = (
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
    fs::create_dir_all(aside.parent().unwrap()).unwrap();
    move || {
        // Opening blocks until the reader has opened the pipe. The reader waits for the end of the file.
        let writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
        fs::rename(&pipe, &aside).unwrap();
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
    let (release_a, release_b) = (hold(root.path(), "a/1"), hold(root.path(), "b/1"));
    let app = TestApp::run_unready(Application::build(&settings(&[&models_flag(&root)])).unwrap());
    assert_eq!(app.get("/health/live").await.status(), 200);
    let ready = app.get("/health/ready").await;
    assert_eq!(ready.status(), 503);
    assert_eq!(ready.json::<Value>().await.unwrap()["status"], "loading");
    assert_eq!(app.versions("a").await, ["1 loading"]);
    for query in ["", "?model=a", "?model=b"] {
        let refused = app.classify(query, face("happy")).send().await.unwrap();
        assert_eq!(refused.headers()["retry-after"], "1");
        assert_problem(refused, 503, "model_loading").await;
    }
    let refused = app
        .classify("?model=x", face("happy"))
        .send()
        .await
        .unwrap();
    assert_problem(refused, 404, "unknown_model").await;

    // The model with the best recorded accuracy is loaded first and makes the server ready.
    rt::task::spawn_blocking(release_b).await.unwrap();
    app.until_versions("b", &["1 ready"]).await;
    app.until_versions("a", &["1 loading"]).await;
    assert_eq!(app.version("").await, "1");
    assert_eq!(app.get("/health/ready").await.status(), 200);
    let refused = app
        .classify("?model=a", face("happy"))
        .send()
        .await
        .unwrap();
    assert_problem(refused, 503, "model_loading").await;

    rt::task::spawn_blocking(release_a).await.unwrap();
    app.until_versions("a", &["1 ready"]).await;
    app.until_versions("c", &["1 failed"]).await;
}
