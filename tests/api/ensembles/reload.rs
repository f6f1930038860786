//! Changes of an ensemble's members while it serves.

use std::{fs, path::Path};

use serde_json::Value;

use super::{DUO, LABELS_OF_KERAS, duo, write};
use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, assert_problem, install},
    lifecycle::{models_dir, models_flag},
};

/// A protocol buffer field `doc_string`, which changes a model file's bytes and nothing else.
const DOC_STRING: [u8; 3] = [6 << 3 | 2, 1, b'x'];

/// Appends to a model file. The file is renamed into place, so that the server never reads a part of it.
fn change(root: &Path, version: &str) {
    let file = root.join(version).join("model.onnx");
    let bytes = [fs::read(&file).unwrap(), DOC_STRING.to_vec()].concat();
    let new = file.with_extension("new");
    fs::write(&new, bytes).unwrap();
    fs::rename(new, file).unwrap();
}

impl TestApp {
    /// Waits until the ensemble has another identity.
    async fn until_changed(&self, before: &Value) -> Value {
        eventually(TIMEOUT, &format!("{before} is replaced"), async || {
            let version = self.version_of("duo").await;
            (version["sha256"] != before["sha256"]).then_some(version)
        })
        .await
    }
}

#[actix_web::test]
async fn polling_reloads_an_ensemble_whose_member_changed() {
    let root = duo();
    let app = TestApp::spawn_with(&[&models_flag(&root), "--repository-poll-interval=0.02"]);
    let before = app.version_of("duo").await;
    change(root.path(), "small/1");
    let after = app.until_changed(&before).await;
    assert_ne!(
        before["members"][0]["sha256"],
        after["members"][0]["sha256"]
    );
    assert_eq!(before["members"][1], after["members"][1]);
    let metrics = app.get("/metrics").await.text().await.unwrap();
    let info = metrics
        .lines()
        .find(|line| line.starts_with("mien_model_info") && line.contains("model=\"duo\""));
    let info = info.unwrap();
    let sha256 = |version: &Value| version["sha256"].as_str().unwrap().to_owned();
    assert!(info.contains(&sha256(&after)) && !info.contains(&sha256(&before)));

    write(root.path(), "duo/1", &DUO.replace("[3, 1]", "[1, 1]"));
    let equal = app.until_changed(&after).await;
    assert_eq!(equal["members"][0]["weight"], 0.5);
}

#[actix_web::test]
async fn polling_loads_an_ensemble_whose_member_appears() {
    let root = models_dir(&[("small", "1", "small")]);
    write(root.path(), "duo/1", DUO);
    let app = TestApp::spawn_with(&[&models_flag(&root), "--repository-poll-interval=0.02"]);
    assert_eq!(app.versions("duo").await, ["1 failed"]);
    install(root.path(), "keras", "1", "keras");
    write(root.path(), "keras/1", LABELS_OF_KERAS);
    app.until_versions("duo", &["1 ready"]).await;
}

#[actix_web::test]
async fn broken_member_leaves_the_loaded_ensemble_serving() {
    let root = duo();
    let app = TestApp::spawn_with(&[&models_flag(&root)]);
    let before = app.probabilities("duo", "happy").await;
    install(root.path(), "small", "1", "broken");
    let problem = assert_problem(app.load("duo").await, 409, "invalid_model").await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("member `small@1`: "), "{detail}");
    assert!(detail.ends_with("version 1 continues to serve"), "{detail}");
    assert_eq!(app.probabilities("duo", "happy").await, before);
}
