//! Errors quote only short excerpts of requests, in every protocol.

use futures_util::{StreamExt, stream};
use mien::grpc::proto::{
    ModelInferRequest, ModelMetadataRequest, RepositoryModelLoadRequest,
    grpc_inference_service_client::GrpcInferenceServiceClient,
    model_infer_request::InferRequestedOutputTensor,
};
use reqwest::{Method, RequestBuilder, multipart};
use serde_json::{Value, json};

use crate::{grpc, helpers::TestApp};

/// Maximum size of an error body in bytes.
const MAX_ERROR: usize = 1500;

/// Returns a long value with control characters.
fn long(length: usize) -> String {
    format!("a\u{1b}[31m\n{}", "A".repeat(length))
}

/// Checks that an error does not repeat the long value and has no control characters.
fn assert_short(error: &str) {
    assert!(error.len() <= MAX_ERROR, "{} bytes: {error}", error.len());
    assert!(!error.contains(&"A".repeat(200)), "{error}");
    assert!(
        !error.contains('\u{1b}') && !error.contains('\n'),
        "{error}"
    );
}

async fn assert_short_error(request: RequestBuilder) {
    let response = request.send().await.unwrap();
    let status = response.status();
    assert!(status.is_client_error(), "{status}");
    let body = response.text().await.unwrap();
    let json: Value = serde_json::from_str(&body).unwrap();
    let detail = json["detail"].as_str().or(json["error"].as_str()).unwrap();
    assert!(body.len() <= MAX_ERROR, "{} bytes: {body}", body.len());
    assert_short(detail);
}

#[actix_web::test]
async fn invalid_json_is_quoted_in_excerpt() {
    let app = TestApp::spawn();
    let post = |path: &str, json: Value| {
        let body = json.to_string();
        app.client
            .post(app.url(path))
            .header("content-type", "application/json")
            .body(body)
    };
    let text = || long(5 << 20);
    let short = || long(50_000);
    for (path, json) in [
        ("/v1/classify", json!({ "images": text() })),
        ("/v1/classify", json!({ text(): 1 })),
        ("/v1/explain", json!({ "images": text() })),
        ("/v1/evaluations", json!({ "dataset": short() })),
        ("/v1/evaluations", json!({ short(): 1 })),
        (
            "/v1/evaluations",
            json!({ "dataset": "x", "split": short() }),
        ),
        (
            "/v1/models/small/promotions",
            json!({ "dataset": "x", "version": short(), "min_accuracy": 0.5 }),
        ),
        ("/v2/repository/index", json!({ "ready": short() })),
        (
            "/v2/repository/models/small/load",
            json!({ "parameters": { format!("file:{}", short()): "x" } }),
        ),
    ] {
        assert_short_error(post(path, json)).await;
    }
}

#[actix_web::test]
async fn invalid_uri_is_quoted_in_excerpt() {
    let app = TestApp::spawn();
    let name = "A".repeat(20_000);
    let get = |path: String| app.client.get(app.url(&path));
    for path in [
        format!("/{name}"),
        format!("/v1/models/{name}"),
        format!("/v1/evaluations/{name}"),
        format!("/v1/evaluations?{name}=1"),
        format!("/v1/evaluations?status={name}"),
        format!("/v1/evaluations/{name}/report"),
        format!("/v1/evaluations/{name}/comparison/{name}"),
        format!("/v1/models/{name}/promotions/{name}"),
        format!("/v1/datasets/{name}/images/{name}"),
        format!("/v2/models/{name}"),
        format!("/v2/models/small/versions/{name}"),
        format!("/v1/models/a%1b%0a{name}"),
    ] {
        assert_short_error(get(path)).await;
    }
    for query in ["model", "version", "top_k", "a%1b%0a"] {
        assert_short_error(app.classify(&format!("?{query}={name}"), "x")).await;
    }
    let label = app.url(&format!("/v1/explain?label={name}"));
    assert_short_error(app.client.post(label).body("x")).await;
    for method in [Method::POST, Method::DELETE] {
        let model = app.url(&format!("/v1/models/{name}/load"));
        assert_short_error(app.client.request(method, model)).await;
    }
}

#[actix_web::test]
async fn invalid_headers_and_forms_are_quoted_in_excerpt() {
    let app = TestApp::spawn();
    let name = "A".repeat(20_000);
    for (header, value) in [
        ("content-type", format!("text/{name}")),
        ("content-type", format!("multipart/form-data; x={name}")),
        ("content-encoding", name.clone()),
        ("x-request-timeout-ms", name.clone()),
    ] {
        assert_short_error(app.classify("", "x").header(header, value)).await;
    }
    let form = multipart::Form::new().text(name, "x");
    assert_short_error(app.classify("", "").multipart(form)).await;
    let images = vec![b"x".to_vec(); 64];
    assert_short_error(app.classify_many("", images)).await;
}

#[actix_web::test]
async fn invalid_tensors_are_quoted_in_excerpt() {
    let app = TestApp::spawn();
    let input = |key: &str, value: Value| {
        let mut input = json!({ "name": "image", "datatype": "BYTES", "shape": [1], "data": [""] });
        input[key] = value;
        json!({ "inputs": [input] })
    };
    let with = |key: &str, value: Value| {
        let mut request = input("shape", json!([1]));
        request[key] = value;
        request
    };
    let text = || long(1 << 20);
    for request in [
        json!({ "inputs": text() }),
        input("name", json!(text())),
        input("datatype", json!(text())),
        input("shape", json!(text())),
        input("shape", json!(vec![77_777; 100_000])),
        input("parameters", json!(text())),
        with("id", json!(text())),
        with("outputs", json!([{ "name": text() }])),
        with("outputs", json!([{ "name": text() }, { "name": text() }])),
        with("parameters", json!({ "timeout": text() })),
    ] {
        assert_short_error(app.infer("small").json(&request)).await;
    }
}

#[actix_web::test]
async fn grpc_status_quotes_excerpt() {
    let (_app, channel) = grpc::serve(&[]).await;
    let mut client = GrpcInferenceServiceClient::new(channel);
    let change = |change: fn(&mut ModelInferRequest)| {
        let mut request = grpc::faces(&["happy"]);
        change(&mut request);
        request
    };
    let requests = [
        change(|r| r.model_name = long(100_000)),
        change(|r| r.model_version = long(100_000)),
        change(|r| r.id = long(100_000)),
        change(|r| r.inputs[0].name = long(100_000)),
        change(|r| r.inputs[0].datatype = long(100_000)),
        change(|r| r.inputs[0].shape = vec![77_777; 100_000]),
        change(|r| {
            r.outputs.push(InferRequestedOutputTensor {
                name: long(100_000),
                ..Default::default()
            });
        }),
    ];
    for request in requests.clone() {
        let status = client.model_infer(request).await.unwrap_err();
        assert_short(status.message());
    }
    let responses = client.model_stream_infer(stream::iter(requests)).await;
    let responses: Vec<_> = responses.unwrap().into_inner().collect().await;
    assert_eq!(responses.len(), 7);
    for response in responses {
        let response = response.unwrap();
        assert!(!response.error_message.is_empty());
        assert_short(&response.error_message);
        assert_short(&response.infer_response.unwrap().id);
    }
    let metadata = ModelMetadataRequest {
        name: long(100_000),
        ..Default::default()
    };
    let status = client.model_metadata(metadata).await.unwrap_err();
    assert_short(status.message());
    let load = RepositoryModelLoadRequest {
        model_name: long(100_000),
        ..Default::default()
    };
    let status = client.repository_model_load(load).await.unwrap_err();
    assert_short(status.message());
}
