//! Stored evaluations: they outlive the server and are listed, pruned and removed.

mod failures;
mod predictions;

use mien::startup::{Application, StartupError};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    evaluations::{STUCK, data_set, spawn},
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, assert_problem, send, settings},
};

/// Starts a server with this state directory and data set as soon as the previous server has released the directory.
pub(crate) async fn spawn_on(state: &TempDir, data: &TempDir, flags: &[&str]) -> TestApp {
    let source = format!("--data=faces={}", data.path().display());
    spawn_with_state(state, &[&[source.as_str()], flags].concat()).await
}

/// Starts a server with this state directory as soon as the previous server has released it.
pub(crate) async fn spawn_with_state(state: &TempDir, flags: &[&str]) -> TestApp {
    let state = format!("--state={}", state.path().display());
    let settings = settings(&[flags, &[state.as_str()]].concat());
    let application =
        eventually(
            TIMEOUT,
            "the state directory is free",
            async || match Application::build(&settings) {
                Ok(application) => Some(application),
                Err(StartupError::State(_)) => None,
                Err(error) => panic!("{error}"),
            },
        );
    TestApp::run(application.await)
}

const ACCURACY: &str =
    "mien_evaluation_accuracy{dataset=\"faces\",model=\"small\",split=\"test\",version=\"1\"}";

#[actix_web::test]
async fn evaluations_outlive_server() {
    let (data, state) = (data_set(), tempfile::tempdir().unwrap());
    let mut app = spawn_on(&state, &data, &[]).await;
    let spec = json!({"dataset": "faces"});
    let request = app.client.post(app.url("/v1/evaluations")).json(&spec);
    let (status, accepted) = send(request.header("x-request-id", "my-request")).await;
    assert_eq!(status, 202);
    assert_eq!(accepted["request_id"], "my-request");
    let location = format!("/v1/evaluations/{}", accepted["id"].as_str().unwrap());
    let document = app.until_evaluation(&location, "succeeded").await;
    let times = ["created", "started", "finished"].map(|key| document[key].as_str().unwrap());
    assert!(
        times.is_sorted() && times.iter().all(|time| time.ends_with('Z')),
        "{times:?}"
    );
    let of_model = app.json("/v1/models/small").await;
    assert_eq!(document["sha256"], of_model["versions"][0]["sha256"]);
    let (list, csv) = (
        app.json("/v1/evaluations").await,
        csv(&app, &location).await,
    );
    let accuracy = app.metric(ACCURACY).await;
    app.stop_and_wait().await;

    let app = spawn_on(&state, &data, &[]).await;
    assert_eq!(app.json(&location).await, document);
    assert_eq!(app.json("/v1/evaluations").await, list);
    assert_eq!(self::csv(&app, &location).await, csv);
    assert_eq!(app.metric(ACCURACY).await, accuracy);
    assert_eq!(document["report"]["accuracy"], accuracy);
}

async fn csv(app: &TestApp, location: &str) -> String {
    app.get(&format!("{location}/predictions"))
        .await
        .text()
        .await
        .unwrap()
}

#[actix_web::test]
async fn evaluation_list_is_filtered() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let mut locations = Vec::new();
    for spec in [
        json!({"dataset": "faces", "model": "small"}),
        json!({"dataset": "faces", "model": "tiny", "split": "PublicTest"}),
        json!({"dataset": "faces", "model": "tiny", "limit": 10_000_000}),
    ] {
        let location = app.start_evaluation(&spec).await;
        app.until_evaluation(&location, "succeeded").await;
        locations.push(location);
    }
    for (query, expected) in [
        ("", &[2, 1, 0][..]),
        ("?model=tiny", &[2, 1]),
        ("?model=tiny&split=test", &[2]),
        ("?status=succeeded&limit=2", &[2, 1]),
        ("?status=running", &[]),
        ("?version=1&dataset=faces&model=small", &[0]),
        ("?version=2", &[]),
        ("?version=latest", &[]),
        ("?dataset=more", &[]),
        ("?limit=10000", &[2, 1, 0]),
    ] {
        let list = app.json(&format!("/v1/evaluations{query}")).await;
        let ids: Vec<&str> = list["evaluations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|evaluation| evaluation["id"].as_str().unwrap())
            .collect();
        let expected: Vec<&str> = expected
            .iter()
            .map(|&index| locations[index].rsplit('/').next().unwrap())
            .collect();
        assert_eq!(ids, expected, "{query}");
    }
    for query in [
        "?status=done",
        "?limit=0",
        "?limit=10001",
        "?split=dev",
        "?name=small",
    ] {
        assert_problem(
            app.get(&format!("/v1/evaluations{query}")).await,
            400,
            "invalid_request",
        )
        .await;
    }
}

#[actix_web::test]
async fn ended_evaluation_can_be_removed() {
    const TOKEN: &str = "a-token-of-this-test";
    let data = data_set();
    let mut app = spawn(&data, &[STUCK[0], STUCK[1], "--admin-token", TOKEN]);
    app.authorize(TOKEN);
    let location = app.start_evaluation(&json!({"dataset": "faces"})).await;
    app.until_evaluation(&location, "running").await;
    let purge = async |token: &str| {
        let request = app
            .client
            .delete(app.url(&format!("{location}?purge=true")));
        request.bearer_auth(token).send().await.unwrap()
    };
    assert_problem(purge("another-token-here").await, 401, "unauthorized").await;
    assert_problem(purge(TOKEN).await, 409, "conflict").await;
    let predictions = app.get(&format!("{location}/predictions")).await;
    let body = assert_problem(predictions, 409, "conflict").await;
    assert!(
        body["detail"].as_str().unwrap().contains("has not ended"),
        "{body}"
    );

    assert_eq!(
        app.client
            .delete(app.url(&location))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(app.json(&location).await["status"], "cancelled");
    let predictions = app.get(&format!("{location}/predictions")).await;
    let body = assert_problem(predictions, 409, "conflict").await;
    assert!(
        body["detail"].as_str().unwrap().contains("was cancelled"),
        "{body}"
    );
    let response = purge(TOKEN).await;
    assert_eq!(
        (response.status().as_u16(), response.text().await.unwrap()),
        (204, String::new())
    );
    assert_problem(purge(TOKEN).await, 404, "unknown_evaluation").await;
    assert_problem(app.get(&location).await, 404, "unknown_evaluation").await;
    assert_eq!(
        app.json("/v1/evaluations").await,
        json!({"evaluations": []})
    );
}

#[actix_web::test]
async fn oldest_evaluations_are_pruned() {
    let (data, state) = (data_set(), tempfile::tempdir().unwrap());
    let mut app = spawn_on(&state, &data, &["--evaluation-retention=2"]).await;
    let mut locations = Vec::new();
    for _ in 0..3 {
        let location = app.start_evaluation(&json!({"dataset": "faces"})).await;
        app.until_evaluation(&location, "succeeded").await;
        locations.push(location);
    }
    assert_problem(app.get(&locations[0]).await, 404, "unknown_evaluation").await;
    assert_eq!(
        app.json("/v1/evaluations").await["evaluations"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    app.stop_and_wait().await;
    let app = spawn_on(&state, &data, &["--evaluation-retention=1"]).await;
    assert_eq!(app.get(&locations[1]).await.status(), 404);
    assert_eq!(app.get(&locations[2]).await.status(), 200);
}
