//! Ensembles: the mean of other models' probabilities, served like any model.

mod command;
mod invalid;
mod reload;
mod v2;

use std::{fs, path::Path};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::{
    evaluations::{LABELS, data_set, spawn},
    helpers::{TestApp, face, http_client, send},
    lifecycle::{models_dir, models_flag},
};

/// The `mien.toml` of `keras` with the labels of `small`.
const LABELS_OF_KERAS: &str =
    r#"labels = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]"#;

/// The ensemble `duo`: three quarters `small`, one quarter `keras`.
const DUO: &str = "[ensemble]
members = ['small@1', 'keras@1']
weights = [3, 1]
accuracy = { test = 0.9 }
created = '2026-02-03T04:05:06Z'
";
const WEIGHTS: [f64; 2] = [0.75, 0.25];

/// Creates a models directory with `small`, `keras` and `duo`.
fn duo() -> TempDir {
    let root = models_dir(&[("small", "1", "small"), ("keras", "1", "keras")]);
    write(root.path(), "keras/1", LABELS_OF_KERAS);
    write(root.path(), "duo/1", DUO);
    root
}

/// Writes the `mien.toml` of a version and renames it, so that the server never reads a part of it.
fn write(root: &Path, version: &str, text: &str) {
    let directory = root.join(version);
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join(".new"), text).unwrap();
    fs::rename(directory.join(".new"), directory.join("mien.toml")).unwrap();
}

/// Returns the weighted mean of the members' values.
fn mean(small: &[f64], keras: &[f64]) -> Vec<f64> {
    let [of_small, of_keras] = WEIGHTS;
    small
        .iter()
        .zip(keras)
        .map(|(small, keras)| of_small * small + of_keras * keras)
        .collect()
}

fn assert_close(given: &[f64], expected: &[f64]) {
    assert_eq!(given.len(), expected.len());
    let is_close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-6;
    assert!(
        given.iter().zip(expected).all(is_close),
        "{given:?} {expected:?}"
    );
}

impl TestApp {
    /// Returns the probabilities of a model for the face of a class, in the order of the labels.
    async fn probabilities(&self, model: &str, class: &str) -> Vec<f64> {
        let (status, body) = send(self.classify(&format!("?model={model}"), face(class))).await;
        assert_eq!(status, 200, "{body}");
        let probabilities = &body["predictions"][0]["probabilities"];
        LABELS
            .iter()
            .map(|label| probabilities[label].as_f64().unwrap())
            .collect()
    }

    /// Returns the details of the first version of a model.
    async fn version_of(&self, model: &str) -> Value {
        self.json(&format!("/v1/models/{model}")).await["versions"][0].clone()
    }
}

#[actix_web::test]
async fn predictions_are_weighted_mean_of_members() {
    let root = duo();
    // A second worker opens its own sessions.
    let app = TestApp::spawn_with(&[&models_flag(&root), "--instances=2"]);
    for class in LABELS {
        let [small, keras, duo] = ["small", "keras", "duo"].map(|m| app.probabilities(m, class));
        let (small, keras, duo) = (small.await, keras.await, duo.await);
        assert_ne!(small, keras);
        assert_close(&duo, &mean(&small, &keras));
    }
    // A batch of several faces.
    let classes = ["happy", "sad", "fear"];
    let (_, body) = send(app.classify_many("?model=duo", classes.map(face))).await;
    for (index, class) in classes.iter().enumerate() {
        let probabilities = &body["predictions"][index]["probabilities"];
        let given = LABELS.map(|label| probabilities[label].as_f64().unwrap());
        assert_close(&given, &app.probabilities("duo", class).await);
    }
    let ok = "mien_images_total{model=\"duo\",outcome=\"ok\",priority=\"live\",version=\"1\"}";
    assert_eq!(app.metric(ok).await, 13.0);
}

#[actix_web::test]
async fn weights_are_equal_if_none_are_given() {
    let root = duo();
    write(
        root.path(),
        "duo/1",
        "[ensemble]\nmembers = ['small@1', 'keras@1']",
    );
    let app = TestApp::spawn_with(&[&models_flag(&root)]);
    let (small, keras) = (
        app.probabilities("small", "sad").await,
        app.probabilities("keras", "sad").await,
    );
    let expected: Vec<f64> = small
        .iter()
        .zip(&keras)
        .map(|(a, b)| (a + b) / 2.0)
        .collect();
    assert_close(&app.probabilities("duo", "sad").await, &expected);
}

#[actix_web::test]
async fn details_name_members_weights_and_recorded_accuracy() {
    let root = duo();
    let app = TestApp::spawn_with(&[&models_flag(&root), "--instances=1", "--intra-op-threads=1"]);
    let mut model = app.json("/v1/models/duo").await;
    let (small, keras) = (app.version_of("small").await, app.version_of("keras").await);
    let [small, keras] = [&small, &keras].map(|version| version["sha256"].as_str().unwrap());

    // One line per member: model file, mien.toml, weight.
    let hash = |text: &str| hex::encode(Sha256::digest(text));
    let lines = format!("{small} - 0.75\n{keras} {} 0.25\n", hash(LABELS_OF_KERAS));
    let version = &mut model["versions"][0];
    assert_eq!(version["sha256"], hash(&lines));
    assert_eq!(version["members"][0]["sha256"], small);
    assert_eq!(version["members"][1]["sha256"], keras);
    let info = format!(
        "mien_model_info{{architecture=\"ensemble\",engine=\"onnxruntime\",model=\"duo\",precision=\"fp32\",sha256=\"{}\",version=\"1\"}}",
        hash(&lines)
    );
    assert_eq!(app.metric(&info).await, 1.0);
    insta::assert_json_snapshot!(model);
}

#[actix_web::test]
async fn members_need_not_be_loaded() {
    let root = duo();
    let app = TestApp::spawn_with(&[
        &models_flag(&root),
        "--version-policy=none",
        "--default-model=duo@1",
    ]);
    assert_eq!(app.versions("duo").await, ["1 ready"]);
    assert_eq!(app.versions("small").await, ["1 unloaded"]);
    assert_eq!(app.versions("keras").await, ["1 unloaded"]);
    let (status, body) = send(app.classify("", face("happy"))).await;
    assert_eq!((status, &body["model"]), (200, &json!("duo")));
}

#[actix_web::test]
async fn evaluation_uses_mean_of_members() {
    let (root, data) = (duo(), data_set());
    let app = spawn(&data, &[&models_flag(&root)]);
    let location = app
        .start_evaluation(&json!({"dataset": "faces", "model": "duo"}))
        .await;
    let document = app.until_evaluation(&location, "succeeded").await;
    assert_eq!(document["sha256"], app.version_of("duo").await["sha256"]);
    let mut confusion = vec![vec![0; 7]; 7];
    for (truth, class) in LABELS.iter().enumerate() {
        let probabilities = app.probabilities("duo", class).await;
        let top = (0..7).max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
        confusion[truth][top.unwrap()] += 1;
    }
    assert_eq!(document["report"]["confusion"], json!(confusion));
}

#[actix_web::test]
async fn ensemble_is_promoted_over_its_own_member() {
    let data = data_set();
    let root = models_dir(&[("m", "1", "small"), ("keras", "1", "keras")]);
    write(root.path(), "keras/1", LABELS_OF_KERAS);
    let app = spawn(&data, &[&models_flag(&root), "--default-model=m"]);
    write(
        root.path(),
        "m/2",
        "[ensemble]\nmembers = ['m@1', 'keras@1']",
    );
    let spec = json!({"version": "2", "dataset": "faces", "min_accuracy": 0.0});
    let document = app.promote("m", &spec, "promoted").await;
    app.until_versions("m", &["1 unloaded", "2 ready"]).await;
    let model = app.json("/v1/models/m").await;
    assert_eq!(
        (&model["serving"], &model["pinned"]),
        (&json!("2"), &json!("2"))
    );
    assert_eq!(document["sha256"], model["versions"][1]["sha256"]);
    assert_eq!(app.version("").await, "2");
}

#[actix_web::test]
async fn explanation_is_the_weighted_mean_of_the_members() {
    let root = duo();
    let app = TestApp::spawn_with(&[&models_flag(&root)]);
    let explain = async |model: &str| {
        let url = app.url(&format!("/v1/explain?model={model}&label=happy"));
        let (status, body) = send(http_client().post(url).body(face("happy"))).await;
        assert_eq!(status, 200, "{body}");
        let rows = body["weights"].as_array().unwrap().iter();
        let weights: Vec<f64> = rows
            .flat_map(|row| row.as_array().unwrap())
            .map(|w| w.as_f64().unwrap())
            .collect();
        ([body["probability"].as_f64().unwrap()], weights)
    };
    let (small, keras, duo) = (
        explain("small").await,
        explain("keras").await,
        explain("duo").await,
    );
    assert_close(&duo.0, &mean(&small.0, &keras.0));
    assert_close(&duo.1, &mean(&small.1, &keras.1));
}
