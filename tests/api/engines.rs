//! Engines: OpenVINO with a missing, damaged or wrong plugin, and the requested precision.

use std::{fs, path::Path};

use mien::startup::Application;
use serde_json::Value;

use crate::{
    classify::{assert_close, expected},
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, face, send, settings, startup_error},
    lifecycle::{models_dir, models_flag},
};

/// Returns the serving configuration of a model.
async fn serving(app: &TestApp, model: &str) -> Value {
    app.json(&format!("/v1/models/{model}")).await["versions"][0]["serving"].clone()
}

/// Waits until the model has tried OpenVINO, and returns its serving configuration.
async fn tried(app: &TestApp, model: &str) -> Value {
    eventually(TIMEOUT, "the engine was tried", async || {
        let serving = serving(app, model).await;
        let engines = serving["engines"].as_array();
        engines
            .is_some_and(|engines| !engines.is_empty())
            .then_some(serving)
    })
    .await
}

/// Starts a server that shall use the plugin in a file, and checks that its models use the default provider instead. `program` is
/// the executable that checks the plugin. Returns the problem.
async fn problem_of(plugin: &Path, program: Option<&str>) -> String {
    let mut settings = settings(&[
        "--device=openvino",
        "--precision=fp32",
        &format!("--openvino-plugin={}", plugin.display()),
    ]);
    settings.engines.program = program.map(Into::into);
    let app = TestApp::run(Application::build(&settings).unwrap());
    let small = tried(&app, "small").await;
    assert_eq!(small["engine"], "onnxruntime");
    assert_eq!(small["precision"], "fp32");
    assert_eq!(small.get("agreement"), None);
    let counter = r#"mien_engine_fallbacks_total{model="small",reason="plugin"}"#;
    app.until_metric(counter, 1.0).await;
    app.assert_classifies().await;

    let [report] = &small["engines"].as_array().unwrap()[..] else {
        panic!("{small}")
    };
    assert_eq!(
        (&report["engine"], &report["precision"]),
        (&"openvino".into(), &"fp32".into())
    );
    let problem = report["problem"].as_str().unwrap().to_owned();
    assert!(
        problem.starts_with("cannot use the OpenVINO plugin: "),
        "{problem}"
    );
    let directory = plugin.parent().unwrap().to_str().unwrap();
    assert!(!problem.contains(directory), "{problem}");
    problem
}

/// A library that is not a plugin.
fn other_library() -> Vec<u8> {
    fs::read(std::env::var("ORT_DYLIB_PATH").expect(".cargo/config.toml sets it")).unwrap()
}

#[actix_web::test]
async fn missing_plugin_falls_back_to_default_provider() {
    let directory = tempfile::tempdir().unwrap();
    problem_of(&directory.path().join("plugin.so"), None).await;
}

#[actix_web::test]
async fn damaged_plugin_falls_back_to_default_provider() {
    let directory = tempfile::tempdir().unwrap();
    let plugin = directory.path().join("plugin.so");
    fs::write(&plugin, "not a library").unwrap();
    problem_of(&plugin, None).await;
}

#[actix_web::test]
async fn library_without_provider_falls_back() {
    let directory = tempfile::tempdir().unwrap();
    let plugin = directory.path().join("plugin.so");
    fs::write(&plugin, other_library()).unwrap();
    problem_of(&plugin, None).await;
}

#[actix_web::test]
async fn plugin_that_ends_its_process_falls_back() {
    let directory = tempfile::tempdir().unwrap();
    let plugin = directory.path().join("plugin.so");
    let mut library = other_library();
    library.truncate(library.len() / 2);
    fs::write(&plugin, library).unwrap();
    // Loading a truncated library can end the process with a signal, so only the process of the check may load it.
    problem_of(&plugin, Some(env!("CARGO_BIN_EXE_mien"))).await;
    // A program that ends with a signal before it has written a result.
    let script = directory.path().join("program");
    fs::write(&script, "#!/bin/sh\nkill -SEGV $$\n").unwrap();
    make_executable(&script);
    let problem = problem_of(&plugin, script.to_str()).await;
    assert!(problem.contains("signal: 11"), "{problem}");
}

fn make_executable(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Starts a server that shall use OpenVINO in a precision. Checks that the probabilities differ by less than `max_difference`, or
/// that the server names a reason why this machine cannot use it.
async fn assert_agrees_or_is_unsupported(precision: &str, max_difference: f64) {
    let cache = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_with(&[
        "--device=openvino",
        &format!("--precision={precision}"),
        &format!("--tune-cache={}", cache.path().display()),
    ]);
    let small = tried(&app, "small").await;
    let report = &small["engines"][0];
    if small["engine"] == "openvino" {
        let agreement = &small["agreement"];
        assert_eq!(agreement["faces"], 28);
        assert_eq!(agreement["flipped_labels"], 0);
        let difference = agreement["max_difference"].as_f64().unwrap();
        assert!(difference < max_difference, "{small}");
        let info = format!(r#"engine="openvino",model="small",precision="{precision}""#);
        app.until_metrics_contain(&info).await;
    } else {
        let reasons = ["missing", "processor"];
        let counter =
            |reason| format!(r#"mien_engine_fallbacks_total{{model="small",reason="{reason}"}}"#);
        let mut fallbacks = 0.0;
        for reason in reasons {
            fallbacks += app.metric(&counter(reason)).await;
        }
        assert_eq!(fallbacks, 1.0, "{report}");
    }
    app.assert_classifies().await;
}

#[actix_web::test]
async fn fp32_of_plugin_agrees_or_is_unsupported() {
    assert_agrees_or_is_unsupported("fp32", 1e-3).await;
}

#[actix_web::test]
async fn bf16_of_plugin_agrees_or_is_unsupported() {
    assert_agrees_or_is_unsupported("bf16", 0.1).await;
}

#[actix_web::test]
async fn loaded_plugin_does_not_change_default_provider() {
    let root = models_dir(&[("cpu", "1", "small"), ("other", "1", "small")]);
    fs::write(root.path().join("cpu/1/mien.toml"), "device = 'cpu'\n").unwrap();
    let app = TestApp::spawn_with(&[
        &models_flag(&root),
        "--default-model=cpu",
        "--device=openvino",
    ]);
    tried(&app, "other").await;
    assert_eq!(app.load("cpu").await.status(), 200);
    let (status, body) = send(app.classify("?model=cpu", face("sad"))).await;
    assert_eq!(status, 200);
    assert_close(&body["predictions"][0], &expected("small")["sad"], 1e-5);
}

#[actix_web::test]
async fn fp32_with_auto_predicts_like_cpu() {
    let auto = TestApp::spawn_with(&["--device=auto", "--precision=fp32"]);
    let cpu = TestApp::spawn_with(&["--device=cpu"]);
    let (status, expected) = send(cpu.classify("", face("sad"))).await;
    assert_eq!(status, 200);
    assert_eq!(send(auto.classify("", face("sad"))).await.1, expected);
    let small = serving(&auto, "small").await;
    assert_eq!(
        (&small["engine"], small.get("engines")),
        (&"onnxruntime".into(), None)
    );
}

#[actix_web::test]
async fn bf16_on_default_provider_is_rejected() {
    let error = startup_error(&settings(&["--device=cpu", "--precision=bf16"])).await;
    assert!(
        error.contains("--precision") && error.contains("bf16"),
        "{error}"
    );

    let root = models_dir(&[("m", "1", "small"), ("other", "1", "tiny")]);
    fs::write(
        root.path().join("m/1/mien.toml"),
        "device = 'cpu'\nprecision = 'bf16'\n",
    )
    .unwrap();
    let app = TestApp::spawn_with(&[&models_flag(&root), "--default-model=other"]);
    let version = app.json("/v1/models/m").await["versions"][0].clone();
    assert_eq!(version["status"], "failed");
    assert!(
        version["reason"].as_str().unwrap().contains("bf16"),
        "{version}"
    );
}

#[actix_web::test]
async fn config_file_overrides_device() {
    let directory = tempfile::tempdir().unwrap();
    let root = models_dir(&[("cpu", "1", "small"), ("other", "1", "small")]);
    fs::write(root.path().join("cpu/1/mien.toml"), "device = 'cpu'\n").unwrap();
    let app = TestApp::spawn_with(&[
        &models_flag(&root),
        "--default-model=other",
        "--device=openvino",
        &format!(
            "--openvino-plugin={}",
            directory.path().join("plugin.so").display()
        ),
    ]);
    tried(&app, "other").await;
    assert_eq!(serving(&app, "cpu").await.get("engines"), None);
}
