//! Stored evaluations after a crash and after a shutdown.

use std::os::unix::process::ExitStatusExt;

use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;

use super::{Server, failure, mien};
use crate::{
    evaluations::{STUCK, data_set},
    eventually::{TIMEOUT, eventually},
    helpers::http_client,
};

/// A data set and a state directory, which servers use one after the other.
struct Deployment {
    data: TempDir,
    state: TempDir,
    client: Client,
}

impl Deployment {
    fn new() -> Self {
        Self {
            data: data_set(),
            state: tempfile::tempdir().unwrap(),
            client: http_client(),
        }
    }

    fn state(&self) -> &str {
        self.state.path().to_str().unwrap()
    }

    fn start(&self, more: &[&str]) -> Server {
        let source = format!("faces={}", self.data.path().display());
        let flags = [
            "--state",
            self.state(),
            "--data",
            &source,
            "--drain-delay=0s",
        ];
        Server::start(&[&flags, more].concat())
    }

    /// Starts an evaluation and returns its identifier.
    async fn evaluate(&self, server: &Server) -> String {
        let request = self.client.post(server.url("/v1/evaluations"));
        let request = request
            .header("content-type", "application/json")
            .body(r#"{"dataset":"faces"}"#);
        let document: Value = request.send().await.unwrap().json().await.unwrap();
        document["id"].as_str().unwrap().to_owned()
    }

    async fn get(&self, server: &Server, id: &str) -> Value {
        let url = server.url(&format!("/v1/evaluations/{id}"));
        let response = self.client.get(url).send().await.unwrap();
        response.json().await.unwrap()
    }

    /// Waits until an evaluation has a status.
    async fn wait_for_status(&self, server: &Server, id: &str, status: &str) -> Value {
        eventually(TIMEOUT, &format!("{id} is {status}"), async || {
            let document = self.get(server, id).await;
            (document["status"] == status).then_some(document)
        })
        .await
    }
}

async fn kill(server: Server) {
    server.signal("-KILL");
    assert_eq!(server.status().await.signal(), Some(9));
}

#[actix_web::test]
async fn finished_evaluation_survives_crash() {
    let deployment = Deployment::new();
    let server = deployment.start(&[]);
    let id = deployment.evaluate(&server).await;
    let document = deployment.wait_for_status(&server, &id, "succeeded").await;
    kill(server).await;
    let server = deployment.start(&[]);
    assert_eq!(deployment.get(&server, &id).await, document);
}

#[test]
fn state_directory_is_used_by_one_server() {
    let deployment = Deployment::new();
    let _server = deployment.start(&[]);
    let mut second = mien();
    second.args(["serve", "--addr=127.0.0.1:0", "--state", deployment.state()]);
    let error = failure(&mut second);
    assert!(
        error.contains("another server uses the state directory"),
        "{error}"
    );
}

#[actix_web::test]
async fn running_evaluation_fails_after_crash() {
    let deployment = Deployment::new();
    // The batch of the evaluation never fills up, so it is running when the server is killed.
    let server = deployment.start(&STUCK);
    let id = deployment.evaluate(&server).await;
    deployment.wait_for_status(&server, &id, "running").await;
    kill(server).await;

    let server = deployment.start(&[]);
    let failed = deployment.get(&server, &id).await;
    assert_eq!(failed["status"], "failed");
    assert_eq!(
        failed["error"],
        "the server stopped before the job finished"
    );
    assert!(
        failed["started"].is_string() && failed["finished"].is_string(),
        "{failed}"
    );
    kill(server).await;
    let server = deployment.start(&[]);
    assert_eq!(deployment.get(&server, &id).await, failed);
}

#[actix_web::test]
async fn shutdown_cancels_running_evaluation() {
    let deployment = Deployment::new();
    let server = deployment.start(&STUCK);
    let id = deployment.evaluate(&server).await;
    deployment.wait_for_status(&server, &id, "running").await;
    server.terminate();
    assert_eq!(server.end().await, Some(0));
    let server = deployment.start(&[]);
    assert_eq!(deployment.get(&server, &id).await["status"], "cancelled");
}
