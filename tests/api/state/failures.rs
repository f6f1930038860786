//! Failures of the store.

use mien::startup::Application;
use serde_json::json;

use super::spawn_on;
use crate::{
    evaluations::{STUCK, data_set, put},
    helpers::{assert_problem, send, settings},
};

#[actix_web::test]
async fn failed_store_is_reported_without_path() {
    let (data, state) = (data_set(), tempfile::tempdir().unwrap());
    let app = spawn_on(&state, &data, &STUCK).await;
    let location = app.start_evaluation(&json!({"dataset": "faces"})).await;
    app.until_evaluation(&location, "running").await;
    // Another process changes the file while the server runs.
    let file = rusqlite::Connection::open(state.path().join("mien.sqlite3")).unwrap();
    file.execute("DELETE FROM evaluations", []).unwrap();
    let (status, document) = send(app.client.delete(app.url(&location))).await;
    let error = json!("the evaluation could not be saved; see the server's log");
    assert_eq!(
        (status, &document["status"], &document["error"]),
        (200, &json!("failed"), &error)
    );
    assert_eq!(app.json(&location).await, document);
    let events = app
        .get(&format!("{location}/events"))
        .await
        .text()
        .await
        .unwrap();
    assert!(
        events.contains("event: end") && events.contains("could not be saved"),
        "{events}"
    );

    file.execute("DROP TABLE predictions", []).unwrap();
    file.execute("DROP TABLE evaluations", []).unwrap();
    let spec = app.post_evaluation(&json!({"dataset": "faces"})).await;
    let body = assert_problem(spec, 500, "internal").await;
    assert!(!body.to_string().contains("sqlite"), "{body}");
}

#[actix_web::test]
async fn invalid_state_file_prevents_start() {
    let state = tempfile::tempdir().unwrap();
    put(
        state.path(),
        "mien.sqlite3",
        "this is not a database ".repeat(100).as_bytes(),
    );
    let flag = format!("--state={}", state.path().display());
    let error = Application::build(&settings(&[&flag]))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("mien.sqlite3") && error.contains("--state DIR"),
        "{error}"
    );
}

#[actix_web::test]
async fn removed_state_file_rejects_new_records() {
    let (data, state) = (data_set(), tempfile::tempdir().unwrap());
    let app = spawn_on(&state, &data, &[]).await;
    let location = app.start_evaluation(&json!({"dataset": "faces"})).await;
    app.until_evaluation(&location, "succeeded").await;
    std::fs::remove_file(state.path().join("mien.sqlite3")).unwrap();
    let response = app.post_evaluation(&json!({"dataset": "faces"})).await;
    let body = assert_problem(response, 500, "internal").await;
    assert!(!body.to_string().contains("sqlite"), "{body}");
    // The record is readable until the server ends.
    assert_eq!(app.json(&location).await["status"], "succeeded");
}
