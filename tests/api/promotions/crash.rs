//! The program itself, killed in the middle of a promotion, after one, and stopped in one.

use std::os::unix::process::ExitStatusExt;

use actix_web::rt;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::faces;
use crate::{
    evaluations::STUCK,
    eventually::{TIMEOUT, eventually},
    helpers::{answer, face, install},
    lifecycle::{folder, models},
    program::Server,
};

/// A models folder, data and a state for one server after the other.
struct Place {
    models: TempDir,
    data: TempDir,
    state: TempDir,
    client: Client,
}

impl Place {
    fn start(&self, flags: &[&str]) -> Server {
        let models = folder(&self.models);
        let data = format!("--data=faces={}", self.data.path().display());
        let state = format!("--state={}", self.state.path().display());
        let fixed = [models.as_str(), &data, &state, "--drain-delay=0s"];
        Server::start(&[&fixed, flags].concat())
    }

    async fn order(&self, server: &Server, order: &Value) -> String {
        let request = self
            .client
            .post(server.url("/v1/models/m/promotions"))
            .json(order);
        let (status, document) = answer(request).await;
        assert_eq!(status, 202, "{document}");
        format!(
            "/v1/models/m/promotions/{}",
            document["id"].as_str().unwrap()
        )
    }

    async fn get(&self, server: &Server, path: &str) -> Value {
        answer(self.client.get(server.url(path))).await.1
    }

    async fn until(&self, server: &Server, path: &str, status: &str) -> Value {
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
        let (status, body) = answer(request).await;
        assert_eq!(status, 200, "{body}");
        body["version"].clone()
    }

    async fn kill(&self, server: Server) {
        server.signal("-KILL");
        assert_eq!(server.status().await.signal(), Some(9));
    }
}

#[actix_web::test]
async fn whatever_moment_it_is_killed_at_the_right_version_serves_afterwards() {
    let (models, data) = (models(&[("m", "1", "small")]), faces());
    let (state, client) = (tempfile::tempdir().unwrap(), Client::new());
    let place = Place {
        models,
        data,
        state,
        client,
    };
    let order = json!({"version": "2", "dataset": "faces", "min_accuracy": 0});

    // In the middle: its batch never fills up.
    let server = place.start(&STUCK);
    install(place.models.path(), "m", "2", "tiny");
    let killed = place.order(&server, &order).await;
    let running = place.until(&server, &killed, "evaluating").await;
    assert_eq!(
        place.get(&server, "/v1/models/m").await["versions"][1]["status"],
        "ready"
    );
    place.kill(server).await;

    let server = place.start(&[]);
    let failed = place.get(&server, &killed).await;
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
    assert_eq!(place.version(&server).await, "1");
    let model = place.get(&server, "/v1/models/m").await;
    assert_eq!(
        json!([
            model["pinned"],
            model["serving"],
            model["versions"][1]["status"]
        ]),
        json!(["1", "1", "unloaded"])
    );

    // Right after one.
    let passed = place.order(&server, &order).await;
    let promoted = place.until(&server, &passed, "promoted").await;
    place.kill(server).await;
    let server = place.start(&["--version-policy=all"]);
    assert_eq!(place.get(&server, &passed).await, promoted);
    assert_eq!(place.version(&server).await, "2");
    place.kill(server).await;

    // An orderly end in the middle of the way back.
    let server = place.start(&STUCK);
    let back = json!({"version": "1", "dataset": "faces", "max_regression": 1});
    let stopped = place.order(&server, &back).await;
    place.until(&server, &stopped, "evaluating").await;
    server.terminate();
    assert_eq!(server.end().await, Some(0));
    let server = place.start(&[]);
    let cancelled = place.get(&server, &stopped).await;
    assert_eq!(
        (&cancelled["status"], &cancelled["reason"]),
        (
            &json!("cancelled"),
            &json!("cancelled by the shutdown of the server")
        )
    );
    assert_eq!(place.version(&server).await, "2");
    let list = place.get(&server, "/v1/models/m/promotions").await;
    assert_eq!(list, json!({"promotions": [cancelled, promoted, failed]}));
}

#[actix_web::test]
async fn killed_before_the_candidate_is_loaded_the_old_version_serves_afterwards() {
    let (models, data) = (
        models(&[("m", "1", "small"), ("other", "1", "small")]),
        faces(),
    );
    let (state, client) = (tempfile::tempdir().unwrap(), Client::new());
    let place = Place {
        models,
        data,
        state,
        client,
    };
    let server = place.start(&STUCK);
    install(place.models.path(), "m", "2", "tiny");
    // Whoever loads models has other orders before it.
    for _ in 0..10 {
        rt::spawn(
            place
                .client
                .post(server.url("/v1/models/other/load"))
                .send(),
        );
    }
    let order = json!({"version": "2", "dataset": "faces", "min_accuracy": 0});
    let killed = place.order(&server, &order).await;
    place.kill(server).await;

    let server = place.start(&["--default-model=m"]);
    assert_eq!(place.get(&server, &killed).await["status"], "failed");
    assert_eq!(place.version(&server).await, "1");
    assert_eq!(place.get(&server, "/v1/models/m").await["pinned"], "1");
    place.kill(server).await;
}
