//! Aliases and version policies.

use std::fs;

use serde_json::json;

use super::{models_dir, models_flag, serve};
use crate::helpers::{assert_problem, face, install, settings, startup_error};

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
    let response = app
        .classify("?model=stable&version=2", face("happy"))
        .send()
        .await
        .unwrap();
    assert_problem(response, 404, "unknown_version").await;

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
    let response = app
        .classify("?model=soon", face("happy"))
        .send()
        .await
        .unwrap();
    let problem = assert_problem(response, 404, "unknown_model").await;
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
