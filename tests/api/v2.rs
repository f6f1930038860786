//! The Open Inference Protocol v2 over HTTP.

mod binary;
mod errors;
mod infer;
mod invalid;
mod invalid_data;
mod limits;
mod memory;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, face, send},
    lifecycle::{models_dir, models_flag},
};

/// Header with the length of the JSON.
const JSON_LENGTH: &str = "inference-header-content-length";

/// Returns the 48x48 gray levels of the test face of a class.
pub(crate) fn gray(class: &str) -> Vec<u8> {
    let limits = mien_faces::image::Limits {
        max_pixels: 1 << 20,
        ..mien_faces::image::Limits::default()
    };
    mien_faces::image::decode(&face(class), &limits)
        .unwrap()
        .pixels()
        .to_vec()
}

/// Creates a request with gray faces for the model `small`.
fn faces(classes: &[&str]) -> Value {
    let gray: Vec<u8> = classes.iter().flat_map(|class| gray(class)).collect();
    let shape = [classes.len(), 1, 48, 48];
    json!({ "inputs": [{ "name": "image", "datatype": "UINT8", "shape": shape, "data": gray }] })
}

/// Creates a request whose body is JSON followed by tensor data.
fn binary(app: &TestApp, model: &str, json: &Value, data: &[u8]) -> RequestBuilder {
    let mut body = json.to_string().into_bytes();
    let length = body.len();
    body.extend(data);
    app.infer(model).header(JSON_LENGTH, length).body(body)
}

/// Returns the JSON of a response and the tensor data after it.
async fn split(response: Response) -> (Value, Vec<u8>) {
    let status = response.status();
    let length = response
        .headers()
        .get(JSON_LENGTH)
        .map(|length| length.to_str().unwrap().parse());
    let body = response.bytes().await.unwrap();
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    let length: usize = length.unwrap().unwrap();
    (
        serde_json::from_slice(&body[..length]).unwrap(),
        body[length..].to_vec(),
    )
}

pub(crate) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes
        .chunks(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
        .collect()
}

impl TestApp {
    /// Creates a request for inference.
    pub(crate) fn infer(&self, model: &str) -> RequestBuilder {
        self.client
            .post(self.url(&format!("/v2/models/{model}/infer")))
    }
}

#[actix_web::test]
async fn server_and_models_return_metadata() {
    let app = TestApp::spawn();
    insta::assert_json_snapshot!("server", app.json("/v2").await, { ".version" => "[version]" });
    assert_eq!(app.json("/v2/health/live").await, json!({ "live": true }));
    assert_eq!(app.json("/v2/health/ready").await, json!({ "ready": true }));
    for model in ["small", "keras"] {
        let metadata = app.json(&format!("/v2/models/{model}")).await;
        insta::assert_json_snapshot!(format!("model_{model}"), metadata);
        assert_eq!(
            app.json(&format!("/v2/models/{model}/versions/1")).await,
            metadata
        );
        let ready = app
            .json(&format!("/v2/models/{model}/versions/1/ready"))
            .await;
        assert_eq!(ready, json!({ "name": model, "ready": true }));
    }
    let app = TestApp::spawn_with(&[
        "--instances=3",
        "--intra-op-threads=1",
        "--max-queue-delay=2ms",
    ]);
    insta::assert_json_snapshot!("config", app.json("/v2/models/small/config").await);
}

#[actix_web::test]
async fn draining_server_is_live_not_ready() {
    let mut app = TestApp::spawn_with(&["--drain-delay=1h"]);
    app.stop();
    let ready = eventually(TIMEOUT, "the server is draining", async || {
        let ready = app.get("/v2/health/ready").await;
        (ready.status() == 503).then_some(ready)
    })
    .await;
    assert_eq!(
        ready.json::<Value>().await.unwrap(),
        json!({ "ready": false })
    );
    assert_eq!(app.get("/v2/health/live").await.status(), 200);
}

#[actix_web::test]
async fn repository_index_lists_all_versions() {
    let app = TestApp::spawn();
    let index = app.url("/v2/repository/index");
    let (status, all) = send(app.client.post(&index)).await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!("repository", all);
    let (status, ready) = send(app.client.post(&index).body(r#"{"ready": true}"#)).await;
    assert_eq!(status, 200);
    let names: Vec<_> = ready
        .as_array()
        .unwrap()
        .iter()
        .map(|model| &model["name"])
        .collect();
    assert_eq!(names, ["keras", "small", "tiny"]);
    assert_eq!(send(app.client.post(&index).body("{")).await.0, 400);
}

#[actix_web::test]
async fn version_alias_rejects_other_versions() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", "small")]);
    let flags = [
        &models_flag(&root),
        "--version-policy=all",
        "--alias=stable=m@1,all=m",
    ];
    let app = TestApp::spawn_with(&flags);
    let versions = async |path: &str| {
        let stats = app.json(&format!("/v2/models/{path}/stats")).await["model_stats"].clone();
        let versions = stats
            .as_array()
            .unwrap()
            .iter()
            .map(|stats| stats["version"].clone());
        versions.collect::<Vec<_>>()
    };
    assert_eq!(versions("stable").await, ["1"]);
    assert_eq!(versions("all").await, ["1", "2"]);
    assert_eq!(
        app.json("/v2/models/stable").await["versions"],
        json!(["1"])
    );
    assert_eq!(
        app.json("/v2/models/m").await["versions"],
        json!(["1", "2"])
    );
}

#[actix_web::test]
async fn statistics_match_requests() {
    let app = TestApp::spawn_with(&["--instances=1", "--max-batch=2"]);
    let request = || app.infer("small").json(&faces(&["happy", "sad", "fear"]));
    for _ in 0..2 {
        assert_eq!(send(request()).await.0, 200);
    }
    let body = app.json("/v2/models/small/stats").await;
    insta::assert_json_snapshot!("statistics", body, {
        ".model_stats[].last_inference" => "[time]",
        ".model_stats[].**.ns" => "[ns]",
    });
    let stats = &body["model_stats"][0];
    assert!(stats["last_inference"].as_u64().unwrap() > 1_700_000_000_000);
    let ns = |name: &str| stats["inference_stats"][name]["ns"].as_u64().unwrap();
    assert!(ns("success") >= ns("queue") && ns("success") >= ns("compute_infer"));
    assert!(ns("compute_infer") > 0 && ns("fail") == 0);

    let all = app.json("/v2/models/stats").await;
    let names: Vec<_> = all["model_stats"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stats| &stats["name"])
        .collect();
    assert_eq!(names, ["keras", "small", "tiny"]);
    assert_eq!(all["model_stats"][0]["inference_count"], 0);
    assert_eq!(app.json("/v2/models/small/versions/1/stats").await, body);
}
