//! Promotions that end otherwise: cancelled, failed, with the server.

use serde_json::{Value, json};

use super::{faces, serve};
use crate::{
    evaluations::STUCK,
    helpers::{TestApp, answer, assert_problem, install},
    lifecycle::models,
};

fn order() -> Value {
    json!({"version": "2", "dataset": "faces", "min_accuracy": 0})
}

async fn delete(app: &TestApp, path: &str) -> Value {
    let (status, body) = answer(app.client.delete(app.url(path))).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// Waits until a promotion has its evaluation.
async fn evaluating(app: &TestApp, location: &str) -> Value {
    loop {
        let document = app.until_promotion(location, "evaluating").await;
        if document["evaluation"].is_string() {
            return document;
        }
    }
}

#[actix_web::test]
async fn one_a_model_runs_and_can_be_cancelled() {
    let names = ["a", "b", "c", "d", "e"];
    let all = names
        .map(|name| [(name, "1", "tiny"), (name, "2", "tiny")])
        .concat();
    let (root, data) = (models(&all), faces());
    let app = serve(&root, &data, &["--version-policy=1", STUCK[0], STUCK[1]]);
    let mut locations = Vec::new();
    for name in &names[..4] {
        locations.push(app.promotion(name, &order()).await);
    }
    let refused = app.order_promotion("e", &order()).await;
    assert!(refused.headers().contains_key("retry-after"));
    assert_problem(refused, 503, "overloaded").await;
    let body = assert_problem(app.order_promotion("a", &order()).await, 409, "conflict").await;
    assert!(
        body["detail"].as_str().unwrap().contains("in progress"),
        "{body}"
    );

    // Another model's door leads nowhere.
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

    // Nor does somebody who may not give orders end it by its evaluation.
    let evaluation = format!(
        "/v1/evaluations/{}",
        document["evaluation"].as_str().unwrap()
    );
    let stranger = app
        .client
        .delete(app.url(&evaluation))
        .header("origin", "https://a.example");
    assert_problem(stranger.send().await.unwrap(), 403, "forbidden").await;

    assert_eq!(app.versions("a").await, ["1 ready", "2 ready"]);
    assert_eq!(app.json("/v1/models/a").await["serving"], "1");
    let ended = delete(&app, &locations[0]).await;
    assert_eq!(
        (&ended["status"], &ended["reason"]),
        (&json!("cancelled"), &json!("cancelled by a client"))
    );
    app.until_versions("a", &["1 ready", "2 unloaded"]).await;
    assert_eq!(app.outcomes("a").await, [0.0, 0.0, 0.0, 1.0]);
    app.status(&evaluation, "cancelled").await;
    // Twice is no error, and there is room again.
    assert_eq!(delete(&app, &locations[0]).await, ended);
    app.promotion("a", &order()).await;
    let list = app.json("/v1/models/a/promotions").await;
    assert_eq!(list["promotions"].as_array().unwrap().len(), 2);
    assert_eq!(list["promotions"][1], ended);
    let newest = app.json("/v1/models/a/promotions?limit=1").await;
    assert_eq!(newest["promotions"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn an_unfit_candidate_fails_and_says_why() {
    let (root, data) = (
        models(&[("m", "1", "small"), ("m", "2", "broken")]),
        faces(),
    );
    let app = serve(&root, &data, &["--version-policy=1"]);
    let document = app.promoted("m", &order(), "failed").await;
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
    // Its file is mended and it is ordered again.
    install(root.path(), "m", "2", "tiny");
    app.promoted("m", &order(), "promoted").await;
    assert_eq!(app.version("").await, "2");
}

#[actix_web::test]
async fn a_model_that_is_unloaded_meanwhile_stays_unloaded() {
    let root = models(&[("m", "1", "small"), ("m", "2", "tiny"), ("n", "1", "tiny")]);
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
    let location = app.promotion("m", &order()).await;
    app.until_promotion(&location, "evaluating").await;
    app.unload("m").await;
    let document = app.until_promotion(&location, "failed").await;
    assert_eq!(
        document["reason"],
        "version 2 was unloaded or removed during its evaluation"
    );
    app.until_versions("m", &["1 unloaded", "2 unloaded"]).await;
    // The pin holds when it comes back.
    app.load("m").await;
    assert_eq!(app.versions("m").await, ["1 ready", "2 unloaded"]);
}

#[actix_web::test]
async fn files_that_change_meanwhile_are_not_promoted() {
    let root = models(&[("m", "1", "small"), ("m", "2", "tiny"), ("n", "1", "tiny")]);
    let data = faces();
    // The 10 images of one evaluation wait for those of another one, and two evaluations run at once.
    let flags = [
        "--version-policy=m=1",
        "--default-model=n",
        "--max-batch=20",
        "--instances=1",
        STUCK[0],
    ];
    let app = serve(&root, &data, &flags);
    let other = app
        .ordered(&json!({"dataset": "faces", "model": "n"}))
        .await;
    app.status(&other, "running").await;
    let location = app.promotion("m", &order()).await;
    let document = evaluating(&app, &location).await;
    let evaluation = format!(
        "/v1/evaluations/{}",
        document["evaluation"].as_str().unwrap()
    );
    app.status(&evaluation, "running").await;
    let of_candidate = json!({"dataset": "faces", "model": "m", "version": "2"});
    let waiting = app.ordered(&of_candidate).await;

    install(root.path(), "m", "2", "small");
    assert_eq!(app.load("m").await.status(), 200);
    assert_eq!(app.json(&location).await["status"], "evaluating");
    delete(&app, &other).await;
    app.status(&waiting, "succeeded").await;
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
async fn an_evaluation_that_is_cancelled_fails_its_promotion() {
    let (root, data) = (models(&[("m", "1", "small"), ("m", "2", "tiny")]), faces());
    let app = serve(&root, &data, &["--version-policy=1", STUCK[0], STUCK[1]]);
    let location = app.promotion("m", &order()).await;
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
