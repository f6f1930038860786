//! Promotions that are cancelled or fail.

use serde_json::{Value, json};

use super::{faces, serve};
use crate::{
    evaluations::STUCK,
    helpers::{TestApp, assert_problem, install, send},
    lifecycle::models_dir,
};

fn spec() -> Value {
    json!({"version": "2", "dataset": "faces", "min_accuracy": 0})
}

async fn delete(app: &TestApp, path: &str) -> Value {
    let (status, body) = send(app.client.delete(app.url(path))).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// Waits until a promotion has started its evaluation.
async fn evaluating(app: &TestApp, location: &str) -> Value {
    loop {
        let document = app.until_promotion(location, "evaluating").await;
        if document["evaluation"].is_string() {
            return document;
        }
    }
}

#[actix_web::test]
async fn one_promotion_per_model_runs_and_can_be_cancelled() {
    let names = ["a", "b", "c", "d", "e"];
    let all = names
        .map(|name| [(name, "1", "tiny"), (name, "2", "tiny")])
        .concat();
    let (root, data) = (models_dir(&all), faces());
    let app = serve(&root, &data, &["--version-policy=1", STUCK[0], STUCK[1]]);
    let mut locations = Vec::new();
    for name in &names[..4] {
        locations.push(app.start_promotion(name, &spec()).await);
    }
    let refused = app.post_promotion("e", &spec()).await;
    assert!(refused.headers().contains_key("retry-after"));
    assert_problem(refused, 503, "overloaded").await;
    let body = assert_problem(app.post_promotion("a", &spec()).await, 409, "conflict").await;
    assert!(
        body["detail"].as_str().unwrap().contains("in progress"),
        "{body}"
    );

    // The promotion is not found under another model.
    let document = evaluating(&app, &locations[0]).await;
    let id = document["id"].as_str().unwrap();
    let elsewhere = app
        .client
        .delete(app.url(&format!("/v1/models/b/promotions/{id}")));
    assert_problem(elsewhere.send().await.unwrap(), 404, "unknown_promotion").await;
    let release = app
        .client
        .delete(app.url("/v1/models/a/pin"))
        .send()
        .await
        .unwrap();
    assert_problem(release, 409, "conflict").await;

    // A client that may not send admin requests cannot cancel it through its evaluation.
    let evaluation = format!(
        "/v1/evaluations/{}",
        document["evaluation"].as_str().unwrap()
    );
    let foreign = app
        .client
        .delete(app.url(&evaluation))
        .header("origin", "https://a.example");
    assert_problem(foreign.send().await.unwrap(), 403, "forbidden").await;

    assert_eq!(app.versions("a").await, ["1 ready", "2 ready"]);
    assert_eq!(app.json("/v1/models/a").await["serving"], "1");
    let ended = delete(&app, &locations[0]).await;
    assert_eq!(
        (&ended["status"], &ended["reason"]),
        (&json!("cancelled"), &json!("cancelled by a client"))
    );
    app.until_versions("a", &["1 ready", "2 unloaded"]).await;
    assert_eq!(app.outcomes("a").await, [0.0, 0.0, 0.0, 1.0]);
    app.until_evaluation(&evaluation, "cancelled").await;
    // A second cancellation is not an error, and another promotion can start.
    assert_eq!(delete(&app, &locations[0]).await, ended);
    app.start_promotion("a", &spec()).await;
    let list = app.json("/v1/models/a/promotions").await;
    assert_eq!(list["promotions"].as_array().unwrap().len(), 2);
    assert_eq!(list["promotions"][1], ended);
    let newest = app.json("/v1/models/a/promotions?limit=1").await;
    assert_eq!(newest["promotions"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn invalid_candidate_fails_with_reason() {
    let (root, data) = (
        models_dir(&[("m", "1", "small"), ("m", "2", "broken")]),
        faces(),
    );
    let app = serve(&root, &data, &["--version-policy=1"]);
    let document = app.promote("m", &spec(), "failed").await;
    let reason = document["reason"].as_str().unwrap();
    assert!(
        reason.contains("Protobuf") && reason.ends_with("version 1 continues to serve"),
        "{reason}"
    );
    assert!(
        !document.to_string().contains(root.path().to_str().unwrap()),
        "{document}"
    );
    assert_eq!(app.versions("m").await, ["1 ready", "2 failed"]);
    assert_eq!(app.version("").await, "1");
    assert_eq!(app.outcomes("m").await, [0.0, 0.0, 1.0, 0.0]);
    // The promotion succeeds when the file is repaired.
    install(root.path(), "m", "2", "tiny");
    app.promote("m", &spec(), "promoted").await;
    assert_eq!(app.version("").await, "2");
}

#[actix_web::test]
async fn model_unloaded_during_promotion_stays_unloaded() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", "tiny"), ("n", "1", "tiny")]);
    let data = faces();
    let app = serve(
        &root,
        &data,
        &[
            "--version-policy=1",
            "--default-model=n",
            STUCK[0],
            STUCK[1],
        ],
    );
    let location = app.start_promotion("m", &spec()).await;
    app.until_promotion(&location, "evaluating").await;
    app.unload("m").await;
    let document = app.until_promotion(&location, "failed").await;
    assert_eq!(
        document["reason"],
        "version 2 was unloaded or removed during its evaluation"
    );
    app.until_versions("m", &["1 unloaded", "2 unloaded"]).await;
    // The pin still applies when the model is loaded again.
    app.load("m").await;
    assert_eq!(app.versions("m").await, ["1 ready", "2 unloaded"]);
}

#[actix_web::test]
async fn candidate_changed_during_promotion_is_not_promoted() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", "tiny"), ("n", "1", "tiny")]);
    let data = faces();
    // A batch needs the 10 images of two evaluations, which run at once.
    let flags = [
        "--version-policy=m=1",
        "--default-model=n",
        "--max-batch=20",
        "--instances=1",
        STUCK[0],
    ];
    let app = serve(&root, &data, &flags);
    let other = app
        .start_evaluation(&json!({"dataset": "faces", "model": "n"}))
        .await;
    app.until_evaluation(&other, "running").await;
    let location = app.start_promotion("m", &spec()).await;
    let document = evaluating(&app, &location).await;
    let evaluation = format!(
        "/v1/evaluations/{}",
        document["evaluation"].as_str().unwrap()
    );
    app.until_evaluation(&evaluation, "running").await;
    let of_candidate = json!({"dataset": "faces", "model": "m", "version": "2"});
    let waiting = app.start_evaluation(&of_candidate).await;

    install(root.path(), "m", "2", "small");
    assert_eq!(app.load("m").await.status(), 200);
    assert_eq!(app.json(&location).await["status"], "evaluating");
    delete(&app, &other).await;
    app.until_evaluation(&waiting, "succeeded").await;
    let document = app.until_promotion(&location, "failed").await;
    assert_eq!(
        document["reason"],
        "version 2 of model `m` was unloaded or replaced after its evaluation"
    );
    assert_eq!(document["result"]["passed"], true);
    assert_eq!(app.json("/v1/models/m").await["serving"], "1");
    app.until_versions("m", &["1 ready", "2 unloaded"]).await;
}

#[actix_web::test]
async fn cancelled_evaluation_fails_its_promotion() {
    let (root, data) = (
        models_dir(&[("m", "1", "small"), ("m", "2", "tiny")]),
        faces(),
    );
    let app = serve(&root, &data, &["--version-policy=1", STUCK[0], STUCK[1]]);
    let location = app.start_promotion("m", &spec()).await;
    let document = evaluating(&app, &location).await;
    delete(
        &app,
        &format!(
            "/v1/evaluations/{}",
            document["evaluation"].as_str().unwrap()
        ),
    )
    .await;
    let document = app.until_promotion(&location, "failed").await;
    assert_eq!(
        document["reason"],
        "the evaluation of version 2 was cancelled"
    );
}
