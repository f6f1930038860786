//! Models in directories of their own (`--model NAME=DIR`).

use std::{fs, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    helpers::{TestApp, assert_problem, face, fixture, install, send, settings, startup_error},
    lifecycle::models_dir,
};

fn flag(name: &str, directory: &Path) -> String {
    format!("--model={name}={}", directory.display())
}

/// Copies the model file of a fixture into a directory. The file is renamed into place.
fn put_file(directory: &Path, from: &str) {
    let partial = directory.join(".new");
    fs::copy(fixture(&format!("models/{from}/1/model.onnx")), &partial).unwrap();
    fs::rename(partial, directory.join("model.onnx")).unwrap();
}

/// Returns a directory with only a model file.
fn bare(from: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    put_file(directory.path(), from);
    directory
}

#[actix_web::test]
async fn bare_model_file_is_version_1_of_the_model() {
    let directory = bare("small");
    let app = TestApp::spawn_with(&[&flag("faces", directory.path())]);
    let list = app.json("/v1/models").await;
    let names: Vec<&Value> = list["models"].as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 1, "{list}");
    assert_eq!(names[0]["name"], "faces");
    assert_eq!(app.version("?model=faces").await, "1");
    let metadata = app.json("/v2/models/faces").await;
    assert_eq!(metadata["versions"], json!(["1"]));

    put_file(directory.path(), "broken");
    let problem = assert_problem(app.load("faces").await, 409, "invalid_model").await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.ends_with("version 1 continues to serve"), "{detail}");
    assert_eq!(app.version("").await, "1");
    put_file(directory.path(), "tiny");
    assert_eq!(app.load("faces").await.status(), 200);
    let model = app.json("/v1/models/faces").await;
    let shape = &model["versions"][0]["input"]["shape"];
    assert_eq!(*shape, json!(["N", "32", "32"]));
    assert_eq!(app.unload("faces").await.status(), 200);
    app.until_versions("faces", &["1 unloaded"]).await;
}

#[actix_web::test]
async fn versions_below_the_directory_are_polled() {
    let root = models_dir(&[("m", "1", "small")]);
    let directory = root.path().join("m");
    let polling = "--repository-poll-interval=0.02";
    let app = TestApp::spawn_with(&[&flag("faces", &directory), polling]);
    assert_eq!(app.version("?model=faces").await, "1");
    install(root.path(), "m", "2", "small");
    app.until_versions("faces", &["1 unloaded", "2 ready"])
        .await;
}

#[actix_web::test]
async fn missing_model_directory_keeps_loaded_version_serving() {
    let (first, second) = (bare("small"), models_dir(&[("m", "1", "tiny")]));
    let below = second.path().join("m");
    let flags = [flag("a", first.path()), flag("b", &below)];
    let app = TestApp::spawn_with(&[&flags[0], &flags[1], "--repository-poll-interval=0.02"]);
    fs::remove_file(first.path().join("model.onnx")).unwrap();
    // A poll that loads the new version of the other model has found the empty directory.
    install(second.path(), "m", "2", "tiny");
    app.until_versions("b", &["1 unloaded", "2 ready"]).await;
    assert_eq!(app.versions("a").await, ["1 ready"]);
    assert_problem(app.load("a").await, 500, "internal").await;
    assert_eq!(app.version("?model=a").await, "1");
}

#[actix_web::test]
async fn ensemble_members_must_be_models_of_the_flag() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", "small")]);
    let ensemble = root.path().join("m/3");
    fs::create_dir_all(&ensemble).unwrap();
    let config = "[ensemble]\nmembers = ['faces@1', 'faces@2']";
    fs::write(ensemble.join("mien.toml"), config).unwrap();
    let app = TestApp::spawn_with(&[&flag("faces", &root.path().join("m"))]);
    assert_eq!(app.version("?model=faces").await, "3");
    let member = config.replace("faces@2", "other@1");
    fs::write(ensemble.join("mien.toml"), member).unwrap();
    let problem = assert_problem(app.load("faces").await, 409, "invalid_model").await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("other@1"), "{detail}");
}

#[actix_web::test]
async fn directory_without_model_fails_startup() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("net.onnx"), "").unwrap();
    let good = bare("small");
    let flags = [flag("good", good.path()), flag("m", root.path())];
    let error = startup_error(&settings(&[&flags[0], &flags[1]])).await;
    let named = flags[1].replacen('=', " ", 1);
    assert!(error.starts_with(&named), "{error}");
    assert!(error.contains("ignored: m/net.onnx"), "{error}");
}

/// The arguments of the runtime, as KServe replaces them for the service `faces`, except for the addresses.
fn kserve_arguments(runtime: &str, mounted: &Path) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kserve");
    let text = fs::read_to_string(path.join(runtime)).unwrap();
    let arguments = text.lines().filter_map(|line| {
        let argument = line.trim().strip_prefix("- --")?;
        (!argument.contains("addr=")).then(|| format!("--{argument}"))
    });
    let mounted = mounted.to_str().unwrap();
    arguments
        .map(|argument| argument.replace("{{.Name}}", "faces"))
        .map(|argument| argument.replace("/mnt/models", mounted))
        .collect()
}

#[actix_web::test]
async fn kserve_runtimes_serve_the_mounted_model() {
    let mounted = bare("small");
    for runtime in ["runtime-http.yaml", "runtime-grpc.yaml"] {
        let arguments = kserve_arguments(runtime, mounted.path());
        let flags: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let app = TestApp::spawn_with(&flags);
        let url = app.url("/v2/models/faces/infer");
        let request = app.client.post(url);
        let request = request
            .header("inference-header-content-length", 0)
            .body(vec![128; 48 * 48]);
        assert_eq!(request.send().await.unwrap().status(), 200, "{runtime}");
        let (status, body) = send(app.classify("", face("happy"))).await;
        assert_eq!((status, &body["model"]), (200, &json!("faces")));
    }
}
