//! Signals that do not stop the server.

use serde_json::Value;

use super::Server;
use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{fixture, http_client},
};

#[actix_web::test]
async fn sighup_loads_changed_models() {
    let models = tempfile::tempdir().unwrap();
    let install = |version: &str| {
        let directory = models.path().join("small").join(version);
        std::fs::create_dir_all(&directory).unwrap();
        let file = fixture("models").join("small/1/model.onnx");
        std::fs::copy(file, directory.join("model.onnx")).unwrap();
    };
    install("1");
    let flag = format!("--models={}", models.path().display());
    let server = Server::start(&[&flag, "--drain-delay=0s"]);
    install("2");
    // The order of different signals is not defined, but each is handled.
    for signal in ["-USR1", "-USR2", "-HUP"] {
        server.signal(signal);
    }
    let client = http_client();
    eventually(TIMEOUT, "version 2 serves", async || {
        let response = client.get(server.url("/v1/models/small")).send().await;
        let model = response.unwrap().json::<Value>().await.unwrap();
        (model["serving"] == "2").then_some(())
    })
    .await;
    server.terminate();
    assert_eq!(server.end().await, Some(0));
}
