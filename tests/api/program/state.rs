//! Stored evaluations after a crash and after a shutdown.

use std::os::unix::process::ExitStatusExt;

use reqwest::Client;
use serde_json::Value;

use super::{Server, failure, mien};
use crate::{
    evaluations::{STUCK, data_set},
    eventually::{TIMEOUT, eventually},
};

#[actix_web::test]
async fn evaluations_survive_crash_and_shutdown() {
    let (data, state) = (data_set(), tempfile::tempdir().unwrap());
    let directory = state.path().to_str().unwrap().to_owned();
    let source = format!("faces={}", data.path().display());
    let start = |more: &[&str]| {
        let flags = ["--state", &directory, "--data", &source, "--drain-delay=0s"];
        Server::start(&[&flags, more].concat())
    };
    let client = Client::new();
    let evaluate = async |server: &Server| {
        let request = client.post(server.url("/v1/evaluations"));
        let document: Value = request
            .header("content-type", "application/json")
            .body(r#"{"dataset":"faces"}"#)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        document["id"].as_str().unwrap().to_owned()
    };
    let get = async |server: &Server, id: &str| -> Value {
        let url = server.url(&format!("/v1/evaluations/{id}"));
        client.get(url).send().await.unwrap().json().await.unwrap()
    };
    let until = async |server: &Server, id: &str, status: &str| {
        eventually(TIMEOUT, &format!("{id} is {status}"), async || {
            let document = get(server, id).await;
            (document["status"] == status).then_some(document)
        })
        .await
    };

    let server = start(&[]);
    let finished = evaluate(&server).await;
    let document = until(&server, &finished, "succeeded").await;
    let mut second = mien();
    second.args(["serve", "--addr=127.0.0.1:0", "--state", &directory]);
    let error = failure(&mut second);
    assert!(
        error.contains("another server uses the state directory"),
        "{error}"
    );
    server.signal("-KILL");
    assert_eq!(server.status().await.signal(), Some(9));

    // The batch of the evaluation never fills up, so it is running when the server is killed.
    let server = start(&STUCK);
    assert_eq!(get(&server, &finished).await, document);
    let killed = evaluate(&server).await;
    until(&server, &killed, "running").await;
    server.signal("-KILL");
    assert_eq!(server.status().await.signal(), Some(9));

    let server = start(&STUCK);
    let failed = get(&server, &killed).await;
    assert_eq!(
        (&failed["status"], &failed["error"]),
        (
            &"failed".into(),
            &"the server stopped before the job finished".into()
        )
    );
    assert!(
        failed["started"].is_string() && failed["finished"].is_string(),
        "{failed}"
    );
    let stopped = evaluate(&server).await;
    until(&server, &stopped, "running").await;
    server.terminate();
    assert_eq!(server.end().await, Some(0));

    let server = start(&[]);
    assert_eq!(get(&server, &stopped).await["status"], "cancelled");
    assert_eq!(get(&server, &killed).await, failed);
    assert_eq!(get(&server, &finished).await, document);
}
