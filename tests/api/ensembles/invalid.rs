//! Ensembles that cannot be served, and the reasons in the response.

use std::fs;

use serde_json::Value;

use super::{DUO, duo, write};
use crate::{
    helpers::{TestApp, assert_problem, install},
    lifecycle::models_flag,
};

#[actix_web::test]
async fn invalid_ensembles_fail_with_reason() {
    let root = duo();
    install(root.path(), "tiny", "1", "tiny");
    install(root.path(), "capitals", "1", "keras");
    install(root.path(), "broken", "1", "broken");
    install(root.path(), "both", "1", "small");
    let cases = [
        (
            "no-model",
            "['small@1', 'nope@1']",
            "member `nope@1`: the models directory has no such",
        ),
        (
            "no-version",
            "['small@2']",
            "member `small@2`: the model has no such version",
        ),
        (
            "outside",
            "['small@1', '../small@1']",
            "member `../small@1`: a model name must not contain `/`",
        ),
        ("parent", "['..@1']", "member `..@1`: a model name must not"),
        ("no-members", "[]", "`members` is empty"),
        (
            "twice",
            "['small@1', 'small@1']",
            "member `small@1` is listed twice",
        ),
        (
            "nested",
            "['small@1', 'duo@1']",
            "member `duo@1`: it is an ensemble; list its members instead",
        ),
        (
            "itself",
            "['itself@1']",
            "member `itself@1`: it is an ensemble; list its members instead",
        ),
        (
            "unloadable",
            "['small@1', 'broken@1']",
            "member `broken@1`: ",
        ),
        (
            "sizes",
            "['small@1', 'tiny@1']",
            "`tiny@1` takes faces of 32x32 pixels, `small@1` of 48",
        ),
        (
            "labels",
            "['small@1', 'capitals@1']",
            "member `capitals@1` has the labels Angry, ",
        ),
        (
            "both",
            "['small@1']",
            "also has a model.onnx; remove one of them",
        ),
        (
            "weights",
            "['small@1']\nweights = [0]",
            "the weight 0 of member `small@1` must be",
        ),
        (
            "typo",
            "['small@1']\nweight = [1]",
            "unknown field `weight`",
        ),
        ("syntax", "['small@1'", "mien.toml: "),
    ];
    for (name, members, _) in cases {
        write(
            root.path(),
            &format!("{name}/1"),
            &format!("[ensemble]\nmembers = {members}\n"),
        );
    }
    write(root.path(), "scaled/1", &format!("scale = 1.0\n{DUO}"));
    let app = TestApp::spawn_with(&[&models_flag(&root), "--instances=1"]);
    let scaled = ("scaled", "", "`scale` does not apply to an ensemble");
    for (name, _, reason) in cases.into_iter().chain([scaled]) {
        let version = app.version_of(name).await;
        let given = version["reason"].as_str().unwrap_or_default();
        assert_eq!(version["status"], "failed", "{name}: {version}");
        assert!(given.contains(reason), "{name}: {given}");
        assert!(
            !given.contains(root.path().to_str().unwrap()),
            "the reason contains a path: {given}"
        );
    }
    assert_eq!(app.version_of("duo").await["status"], "ready");
    let model = app.json("/v1/models/unloadable").await;
    assert_eq!(model["serving"], Value::Null);
    let problem = assert_problem(app.load("unloadable").await, 409, "invalid_model").await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("member `broken@1`: ") && detail.contains("Protobuf"),
        "{detail}"
    );
}

#[actix_web::test]
async fn directory_without_model_or_ensemble_is_ignored() {
    let root = duo();
    write(root.path(), "copied/1", "labels = ['a', 'b']");
    fs::create_dir_all(root.path().join("empty/1")).unwrap();
    let app = TestApp::spawn_with(&[&models_flag(&root), "--instances=1"]);
    for name in ["copied", "empty"] {
        assert_problem(
            app.get(&format!("/v1/models/{name}")).await,
            404,
            "unknown_model",
        )
        .await;
    }
}
