//! The program is killed or stopped during and after promotions.

use std::os::unix::process::ExitStatusExt;

use actix_web::rt;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::faces;
use crate::{
    evaluations::STUCK,
    eventually::{TIMEOUT, eventually},
    helpers::{face, http_client, install, send},
    lifecycle::{models_dir, models_flag},
    program::Server,
};

/// Repository, data set and state directory of consecutive servers.
struct Deployment {
    models: TempDir,
    data: TempDir,
    state: TempDir,
    client: Client,
}

impl Deployment {
    fn start(&self, flags: &[&str]) -> Server {
        let models = models_flag(&self.models);
        let data = format!("--data=faces={}", self.data.path().display());
        let state = format!("--state={}", self.state.path().display());
        let fixed = [models.as_str(), &data, &state, "--drain-delay=0s"];
        Server::start(&[&fixed, flags].concat())
    }

    async fn start_promotion(&self, server: &Server, spec: &Value) -> String {
        let request = self
            .client
            .post(server.url("/v1/models/m/promotions"))
            .json(spec);
        let (status, document) = send(request).await;
        assert_eq!(status, 202, "{document}");
        format!(
            "/v1/models/m/promotions/{}",
            document["id"].as_str().unwrap()
        )
    }

    async fn get(&self, server: &Server, path: &str) -> Value {
        send(self.client.get(server.url(path))).await.1
    }

    async fn wait_for_status(&self, server: &Server, path: &str, status: &str) -> Value {
        eventually(TIMEOUT, &format!("{path} is {status}"), async || {
            let document = self.get(server, path).await;
            (document["status"] == status).then_some(document)
        })
        .await
    }

    async fn version(&self, server: &Server) -> Value {
        let request = self
            .client
            .post(server.url("/v1/classify?model=m"))
            .body(face("happy"));
        let (status, body) = send(request).await;
        assert_eq!(status, 200, "{body}");
        body["version"].clone()
    }

    async fn kill(&self, server: Server) {
        server.signal("-KILL");
        assert_eq!(server.status().await.signal(), Some(9));
    }
}

#[actix_web::test]
async fn kill_during_promotion_preserves_pinned_version() {
    let (models, data) = (models_dir(&[("m", "1", "small")]), faces());
    let (state, client) = (tempfile::tempdir().unwrap(), http_client());
    let deployment = Deployment {
        models,
        data,
        state,
        client,
    };
    let spec = json!({"version": "2", "dataset": "faces", "min_accuracy": 0});

    // Killed during the evaluation, whose batch never fills up.
    let server = deployment.start(&STUCK);
    install(deployment.models.path(), "m", "2", "tiny");
    let killed = deployment.start_promotion(&server, &spec).await;
    let running = deployment
        .wait_for_status(&server, &killed, "evaluating")
        .await;
    assert_eq!(
        deployment.get(&server, "/v1/models/m").await["versions"][1]["status"],
        "ready"
    );
    deployment.kill(server).await;

    let server = deployment.start(&[]);
    let failed = deployment.get(&server, &killed).await;
    assert_eq!(
        (&failed["status"], &failed["reason"]),
        (
            &json!("failed"),
            &json!("the server stopped before the job finished")
        )
    );
    assert_eq!(
        (&failed["id"], &failed["previous"]),
        (&running["id"], &json!("1"))
    );
    assert_eq!(deployment.version(&server).await, "1");
    let model = deployment.get(&server, "/v1/models/m").await;
    assert_eq!(
        json!([
            model["pinned"],
            model["serving"],
            model["versions"][1]["status"]
        ]),
        json!(["1", "1", "unloaded"])
    );

    // Killed directly after the end.
    let passed = deployment.start_promotion(&server, &spec).await;
    let promoted = deployment
        .wait_for_status(&server, &passed, "promoted")
        .await;
    deployment.kill(server).await;
    let server = deployment.start(&["--version-policy=all"]);
    assert_eq!(deployment.get(&server, &passed).await, promoted);
    assert_eq!(deployment.version(&server).await, "2");
    deployment.kill(server).await;

    // Stopped during the promotion of the previous version.
    let server = deployment.start(&STUCK);
    let back = json!({"version": "1", "dataset": "faces", "max_regression": 1});
    let stopped = deployment.start_promotion(&server, &back).await;
    deployment
        .wait_for_status(&server, &stopped, "evaluating")
        .await;
    server.terminate();
    assert_eq!(server.end().await, Some(0));
    let server = deployment.start(&[]);
    let cancelled = deployment.get(&server, &stopped).await;
    assert_eq!(
        (&cancelled["status"], &cancelled["reason"]),
        (
            &json!("cancelled"),
            &json!("cancelled by the shutdown of the server")
        )
    );
    assert_eq!(deployment.version(&server).await, "2");
    let list = deployment.get(&server, "/v1/models/m/promotions").await;
    assert_eq!(list, json!({"promotions": [cancelled, promoted, failed]}));
}

#[actix_web::test]
async fn kill_before_candidate_loads_preserves_old_version() {
    let (models, data) = (
        models_dir(&[("m", "1", "small"), ("other", "1", "small")]),
        faces(),
    );
    let (state, client) = (tempfile::tempdir().unwrap(), http_client());
    let deployment = Deployment {
        models,
        data,
        state,
        client,
    };
    let server = deployment.start(&STUCK);
    install(deployment.models.path(), "m", "2", "tiny");
    // The thread that loads models is busy with another request.
    for _ in 0..10 {
        rt::spawn(
            deployment
                .client
                .post(server.url("/v1/models/other/load"))
                .send(),
        );
    }
    let spec = json!({"version": "2", "dataset": "faces", "min_accuracy": 0});
    let killed = deployment.start_promotion(&server, &spec).await;
    deployment.kill(server).await;

    let server = deployment.start(&["--default-model=m"]);
    assert_eq!(deployment.get(&server, &killed).await["status"], "failed");
    assert_eq!(deployment.version(&server).await, "1");
    assert_eq!(deployment.get(&server, "/v1/models/m").await["pinned"], "1");
    deployment.kill(server).await;
}
