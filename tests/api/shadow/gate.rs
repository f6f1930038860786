//! Shadows as a criterion of promotions.

use std::process::{Command, Output};

use actix_web::web;
use reqwest::Response;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{FLIP, PATH, SAME, serve};
use crate::{
    evaluations::data_set,
    helpers::{TestApp, assert_problem, install},
    lifecycle::models_dir,
};

/// Starts a server with a data set whose model `m` serves version 1.
fn serve_with_data(root: &TempDir, data: &TempDir) -> TestApp {
    let data = format!("--data=faces={}", data.path().display());
    serve(root, &[&data])
}

fn promotion(shadow: &Value) -> Value {
    json!({"version": "2", "dataset": "faces", "min_accuracy": 0, "shadow": shadow})
}

impl TestApp {
    async fn post_gated(&self, shadow: &Value) -> Response {
        let request = self.client.post(self.url("/v1/models/m/promotions"));
        request.json(&promotion(shadow)).send().await.unwrap()
    }

    async fn refused(&self, shadow: &Value) -> String {
        let response = self.post_gated(shadow).await;
        let body = assert_problem(response, 409, "shadow_not_passed").await;
        body["detail"].as_str().unwrap().to_owned()
    }
}

#[actix_web::test]
async fn promotion_requires_images_and_agreement_of_shadow() {
    let root = models_dir(&[
        ("m", "1", "small"),
        ("m", "2", FLIP),
        ("m", "3", SAME),
        ("n", "1", FLIP),
    ]);
    let data = data_set();
    let app = serve_with_data(&root, &data);
    let low = json!({"min_images": 7, "min_agreement": 0});
    let detail = app.refused(&low).await;
    assert!(
        detail.starts_with("no shadow has compared version 2 of model `m`"),
        "{detail}"
    );

    // Shadows of other candidates do not count.
    for candidate in ["3", "n@1"] {
        app.start_shadow(candidate).await;
        app.classify_faces("").await;
        app.until_compared(7).await;
        app.end_shadow().await;
        app.refused(&low).await;
    }

    app.start_shadow("2").await;
    app.classify_faces("").await;
    let report = app.until_compared(7).await;
    let detail = app
        .refused(&json!({"min_images": 8, "min_agreement": 0}))
        .await;
    assert!(
        detail.contains("has compared 7 images; the promotion requires 8"),
        "{detail}"
    );
    let detail = app
        .refused(&json!({"min_images": 7, "min_agreement": 1}))
        .await;
    assert!(
        detail.contains("on 7 images; the promotion requires 1"),
        "{detail}"
    );
    // Rejected requests do not create a record.
    assert_eq!(
        app.json("/v1/models/m/promotions").await,
        json!({"promotions": []})
    );

    // The result of an ended shadow counts.
    app.end_shadow().await;
    let required = report["agreement"].as_f64().unwrap() - 1e-6;
    let required = json!({"min_images": 7, "min_agreement": required});
    let document = app.promote("m", &promotion(&required), "promoted").await;
    let shadow = &document["result"]["shadow"];
    assert_eq!(shadow["images"], 7);
    assert_eq!(shadow["agreement"], report["agreement"]);
    assert_eq!(shadow["min_agreement"], required["min_agreement"]);
    assert_eq!(app.version("").await, "2");
}

#[actix_web::test]
async fn shadow_of_replaced_candidate_does_not_count() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", SAME)]);
    let data = data_set();
    let app = serve_with_data(&root, &data);
    app.start_shadow("2").await;
    app.classify_faces("").await;
    app.until_compared(7).await;
    app.end_shadow().await;
    install(root.path(), "m", "2", FLIP);
    let spec = promotion(&json!({"min_images": 7, "min_agreement": 0}));
    let document = app.promote("m", &spec, "failed").await;
    let reason = document["reason"].as_str().unwrap();
    assert!(
        reason.contains("the shadow compared other files of version 2"),
        "{reason}"
    );
    assert_eq!(app.version("").await, "1");
}

#[actix_web::test]
async fn invalid_requirements_are_rejected() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", SAME)]);
    let data = data_set();
    let app = serve_with_data(&root, &data);
    for invalid in [
        json!({"min_images": 0, "min_agreement": 0.5}),
        json!({"min_images": 1, "min_agreement": 1.5}),
        json!({"min_images": 1}),
        json!({"min_agreement": 1}),
        json!({"min_images": 1, "min_agreement": 1, "more": 1}),
    ] {
        assert_problem(app.post_gated(&invalid).await, 400, "invalid_request").await;
    }
}

async fn promote(app: &TestApp, flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mien"));
    command
        .args(["promote", "m", "2", "--dataset=faces", "--min-accuracy=0"])
        .args(["--url", &app.base])
        .args(flags)
        .env_remove("MIEN_ADMIN_TOKEN");
    web::block(move || command.output().unwrap()).await.unwrap()
}

#[actix_web::test]
async fn promote_command_requires_shadow_and_rejects_without_it() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", SAME)]);
    let data = data_set();
    let app = serve_with_data(&root, &data);
    let flags = ["--min-shadow-images=7", "--min-shadow-agreement=1"];
    let rejected = promote(&app, &flags).await;
    assert_eq!(rejected.status.code(), Some(4), "{rejected:?}");
    let error = String::from_utf8(rejected.stderr).unwrap();
    assert!(
        error.contains("no shadow has compared version 2"),
        "{error}"
    );
    let usage = promote(&app, &flags[..1]).await;
    assert_eq!(usage.status.code(), Some(2), "{usage:?}");

    app.start_shadow("2").await;
    app.classify_faces("").await;
    app.until_compared(7).await;
    let promoted = promote(&app, &flags).await;
    assert_eq!(promoted.status.code(), Some(0), "{promoted:?}");
    assert_eq!(app.version("").await, "2");
    assert_eq!(app.until_shadow("ended").await["images"]["compared"], 7);
    assert_eq!(app.json(PATH).await["candidate"], "m@2");
}
