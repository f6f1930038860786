//! `/v1/evaluations`, and the helpers of all tests that evaluate models.

mod groups;
mod invalid;
mod pending;
mod reports;
mod without_duplicates;

use std::{fs, path::Path};

use reqwest::{Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, face, fixture},
};

pub(crate) const LABELS: [&str; 7] = [
    "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
];

/// Creates a data set of the fixture faces. Its test images are one face per class, three of them from `PublicTest`.
pub(crate) fn data_set() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (index, label) in LABELS.iter().enumerate() {
        let usage = if index < 3 {
            "PublicTest"
        } else {
            "PrivateTest"
        };
        put(
            root.path(),
            &format!("test/{label}/{usage}_{index}.png"),
            &face(label),
        );
    }
    put(root.path(), "train/happy/Training_0.png", &face("happy"));
    root
}

pub(crate) fn put(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Returns the label that the Python package of ONNX Runtime predicts for a face.
pub(crate) fn expected(model: &str, class: &str) -> String {
    let text = fs::read_to_string(fixture("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    expected[model][class]["label"]
        .as_str()
        .unwrap()
        .to_lowercase()
}

/// Flags with which a batch never fills up, so that an evaluation runs until it is cancelled.
pub(crate) const STUCK: [&str; 2] = ["--max-queue-delay=1h", "--max-batch=32"];

pub(crate) fn spawn(data: &TempDir, flags: &[&str]) -> TestApp {
    let source = format!("--data=faces={}", data.path().display());
    TestApp::spawn_with(&[&[source.as_str()], flags].concat())
}

impl TestApp {
    pub(crate) async fn post_evaluation(&self, request: &Value) -> Response {
        self.client
            .post(self.url("/v1/evaluations"))
            .json(request)
            .send()
            .await
            .unwrap()
    }

    /// Starts an evaluation and returns its path.
    pub(crate) async fn start_evaluation(&self, request: &Value) -> String {
        let response = self.post_evaluation(request).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        let document: Value = response.json().await.unwrap();
        assert_eq!(
            location,
            format!("/v1/evaluations/{}", document["id"].as_str().unwrap())
        );
        location
    }

    /// Waits until an evaluation has a status.
    pub(crate) async fn until_evaluation(&self, location: &str, status: &str) -> Value {
        eventually(TIMEOUT, &format!("{location} is {status}"), async || {
            let document = self.json(location).await;
            if document["status"] == status {
                return Some(document);
            }
            let is_final = ["succeeded", "failed", "cancelled"].map(Value::from);
            assert!(
                !is_final.contains(&document["status"]),
                "not {status}: {document}"
            );
            None
        })
        .await
    }
}
