//! `/v1/models/{name}/shadow`.

mod copies;
mod ends;
mod gate;
mod invalid;
mod startup;

use std::collections::BTreeMap;

use mien_faces::report::wilson;
use reqwest::Response;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    evaluations::LABELS,
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, face, send},
    lifecycle::{models_dir, models_flag},
};

/// The network of `small`, averaged over two views. It predicts the labels of `small` for some faces only.
const FLIP: &str = "../views/flip";
/// The network of `small` with other files.
const SAME: &str = "../external/small";
const PATH: &str = "/v1/models/m/shadow";

/// Starts a server whose model `m` serves version 1.
fn serve(root: &TempDir, flags: &[&str]) -> TestApp {
    let fixed = [
        &models_flag(root),
        "--default-model=m",
        "--version-policy=latest;m=1",
    ];
    TestApp::spawn_with(&[&fixed, flags].concat())
}

impl TestApp {
    async fn post_shadow(&self, request: &Value) -> Response {
        let request = self.client.post(self.url(PATH)).json(request);
        request.send().await.unwrap()
    }

    /// Starts a shadow of `m` that copies all images.
    async fn start_shadow(&self, candidate: &str) -> Value {
        let request = json!({"candidate": candidate, "share": 1});
        let response = self.post_shadow(&request).await;
        let status = response.status();
        let report: Value = response.json().await.unwrap();
        assert_eq!(status, 201, "{report}");
        report
    }

    async fn end_shadow(&self) -> Value {
        let response = self.client.delete(self.url(PATH)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    /// Waits until a shadow has compared a number of images, and returns it.
    async fn until_compared(&self, images: u64) -> Value {
        let what = format!("the shadow has compared {images} images");
        eventually(TIMEOUT, &what, async || {
            let report = self.json(PATH).await;
            (report["images"]["compared"] == images).then_some(report)
        })
        .await
    }

    /// Waits until a shadow has a status, and returns it.
    async fn until_shadow(&self, status: &str) -> Value {
        let what = format!("the shadow is {status}");
        eventually(TIMEOUT, &what, async || {
            let report = self.json(PATH).await;
            (report["status"] == status).then_some(report)
        })
        .await
    }

    /// Classifies one face per class, and returns the labels and their probabilities.
    async fn classify_faces(&self, query: &str) -> Vec<(String, f64)> {
        let (status, body) = send(self.classify_many(query, LABELS.map(face))).await;
        assert_eq!(status, 200, "{body}");
        let predictions = body["predictions"].as_array().unwrap().iter();
        predictions.map(label_and_confidence).collect()
    }
}

fn label_and_confidence(prediction: &Value) -> (String, f64) {
    let label = prediction["label"].as_str().unwrap();
    let confidence = prediction["probabilities"][label].as_f64().unwrap();
    (label.to_owned(), confidence)
}

fn series(outcome: &str) -> String {
    format!(
        "mien_shadow_images_total{{candidate=\"m@2\",model=\"m\",outcome=\"{outcome}\",version=\"1\"}}"
    )
}

#[actix_web::test]
async fn report_counts_agreement_and_flips() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", FLIP), ("n", "1", FLIP)]);
    let app = serve(&root, &[]);
    let started = app.start_shadow("2").await;
    assert_eq!(started["status"], "running");
    for empty in [
        "agreement",
        "interval",
        "serving_inference",
        "ended",
        "reason",
    ] {
        assert_eq!(started[empty], Value::Null, "{empty}");
    }
    assert_eq!(started["flips"], json!([]));

    let serving = app.classify_faces("").await;
    assert_eq!(app.classify_faces("").await, serving);
    let other = app.classify_faces("?model=n").await;
    let report = app.until_compared(14).await;

    let mut flips = BTreeMap::<(&str, &str), u64>::new();
    let mut difference = 0.0;
    for ((label, confidence), (other, other_confidence)) in serving.iter().zip(&other) {
        difference += (confidence - other_confidence).abs() / 7.0;
        if label != other {
            *flips.entry((label, other)).or_default() += 2;
        }
    }
    let agreed = 14 - flips.values().sum::<u64>();
    assert!((1..14).contains(&agreed), "{report}");
    assert_eq!(report["agreement"], agreed as f64 / 14.0);
    assert_eq!(report["interval"], json!(wilson(agreed, 14)));
    let found = report["confidence_difference"].as_f64().unwrap();
    assert!((found - difference).abs() < 1e-6, "{found} {difference}");
    assert_eq!(
        report["images"],
        json!({"compared": 14, "failed": 0, "dropped": 0})
    );
    let listed = report["flips"].as_array().unwrap();
    assert!(listed.is_sorted_by(|a, b| a["images"].as_u64() >= b["images"].as_u64()));
    let listed = listed.iter().map(|flip| {
        let text = |key: &str| flip[key].as_str().unwrap();
        (
            (text("serving"), text("candidate")),
            flip["images"].as_u64().unwrap(),
        )
    });
    assert_eq!(listed.collect::<BTreeMap<_, _>>(), flips);
    for version in ["serving_inference", "candidate_inference"] {
        let time = |key: &str| report[version][key].as_f64().unwrap();
        assert!(
            0.0 < time("p50_ms") && time("p50_ms") <= time("p99_ms"),
            "{report}"
        );
    }
    assert_eq!(app.metric(&series("agreed")).await, agreed as f64);
    assert_eq!(app.metric(&series("flipped")).await, (14 - agreed) as f64);
    let agreement = "mien_shadow_agreement{candidate=\"m@2\",model=\"m\",version=\"1\"}";
    assert_eq!(
        Some(app.metric(agreement).await),
        report["agreement"].as_f64()
    );
    assert_eq!(app.json("/v1/models/m").await["shadow"], report);
}

#[actix_web::test]
async fn candidate_of_other_model_is_compared_until_unload() {
    let root = models_dir(&[("m", "1", "small"), ("n", "1", SAME)]);
    let app = serve(&root, &[]);
    let started = app.start_shadow("n@1").await;
    assert_eq!(started["candidate"], "n@1");
    let other = app.json("/v1/models/n").await;
    assert_eq!(started["candidate_sha256"], other["versions"][0]["sha256"]);
    app.classify_faces("").await;
    let report = app.until_compared(7).await;
    assert_eq!(
        (&report["agreement"], &report["flips"]),
        (&json!(1.0), &json!([]))
    );

    // The other model is loaded again from the same file, and then unloaded.
    assert_eq!(app.load("n").await.status(), 200);
    app.classify_faces("").await;
    app.until_compared(14).await;
    assert_eq!(app.unload("n").await.status(), 200);
    let ended = app.until_shadow("ended").await;
    assert_eq!(ended["reason"], "`n@1` does not serve: it is unloaded");
}
