//! A missing or unsuitable file of the face detector.

use super::{portrait, request};
use crate::helpers::{TestApp, assert_problem, fixture, settings, startup_error};

#[actix_web::test]
async fn server_without_detector_names_remedy() {
    let app = TestApp::spawn();
    let response = request(&app, "").body(portrait()).send().await.unwrap();
    let body = assert_problem(response, 503, "detector_missing").await;
    assert!(
        body["detail"]
            .as_str()
            .unwrap()
            .contains("cargo xtask setup")
    );
}

#[actix_web::test]
async fn other_file_as_detector_fails_the_start() {
    let model = fixture("models/small/1/model.onnx");
    let flag = format!("--detector={}", model.display());
    let error = startup_error(&settings(&[&flag])).await;
    assert!(error.contains("--detector"), "{error}");
    let error = startup_error(&settings(&["--detector=missing.onnx"])).await;
    assert!(error.contains("missing.onnx"), "{error}");
}
