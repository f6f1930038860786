//! An ensemble over the Open Inference Protocol.

use mien::grpc::proto::ModelInferRequest;
use serde_json::json;

use super::{LABELS, assert_close, duo};
use crate::{
    grpc::{Client, faces, model_config, serve},
    helpers::{TestApp, send},
    lifecycle::models_flag,
    v2::{floats, gray},
};

#[actix_web::test]
async fn http_returns_mean_and_its_logarithm() {
    let root = duo();
    let app = TestApp::spawn_with(&[&models_flag(&root)]);
    let metadata = app.json("/v2/models/duo").await;
    assert_eq!(metadata["platform"], "ensemble");
    let image = json!([{"name": "image", "datatype": "UINT8", "shape": [-1, 1, 48, 48]}]);
    assert_eq!(metadata["inputs"], image);
    let config = app.json("/v2/models/duo/config").await;
    let names = ["platform", "default_model_filename"].map(|key| &config[key]);
    assert_eq!(json!(names), json!(["ensemble", "mien.toml"]));

    let input =
        json!({"name": "image", "datatype": "UINT8", "shape": [1, 1, 48, 48], "data": gray("sad")});
    let request = app.client.post(app.url("/v2/models/duo/infer"));
    let (status, body) = send(request.json(&json!({"inputs": [input]}))).await;
    assert_eq!(status, 200, "{body}");
    let values = |index: usize| -> Vec<f64> {
        let data = body["outputs"][index]["data"].as_array().unwrap();
        data.iter().map(|value| value.as_f64().unwrap()).collect()
    };
    let names = json!([body["outputs"][0]["name"], body["outputs"][1]["name"]]);
    assert_eq!(names, json!(["probabilities", "logits"]));
    let probabilities = app.probabilities("duo", "sad").await;
    assert_close(&values(0), &probabilities);
    let logarithms: Vec<f64> = probabilities.iter().map(|p| p.ln()).collect();
    assert_close(&values(1), &logarithms);
}

#[actix_web::test]
async fn grpc_returns_same_outputs_as_http() {
    let root = duo();
    let (app, channel) = serve(&[&models_flag(&root)]).await;
    let mut client = Client::new(channel);
    let config = model_config(&mut client, "duo").await;
    assert_eq!(config.platform, "ensemble");
    let request = ModelInferRequest {
        model_name: "duo".to_owned(),
        ..faces(&["happy"])
    };
    let response = client.model_infer(request).await.unwrap().into_inner();
    let probabilities = floats(&response.raw_output_contents[0]);
    let given: Vec<f64> = probabilities.into_iter().map(f64::from).collect();
    assert_eq!(given.len(), LABELS.len());
    assert_close(&given, &app.probabilities("duo", "happy").await);
}
