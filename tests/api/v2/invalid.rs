//! Invalid requests: JSON, tensors and parameters.

use serde_json::{Value, json};

use super::{errors::error_of, faces};
use crate::helpers::{TestApp, send};

#[actix_web::test]
async fn invalid_json_is_rejected() {
    let app = TestApp::spawn();
    for body in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"inputs": {}}"#,
        r#"{"inputs": [{"name": "image"}]}"#,
        "\u{0}",
    ] {
        error_of(app.infer("small").body(body), 400).await;
    }
    let deep = format!(r#"{{"inputs": [{{"data": {}"#, "[".repeat(100_000));
    error_of(app.infer("small").body(deep), 400).await;
}

#[actix_web::test]
async fn mismatched_tensors_are_rejected() {
    let app = TestApp::spawn();
    let change = |key: &str, value: Value| {
        let mut request = faces(&["happy"]);
        request["inputs"][0][key] = value;
        request
    };
    let zeros = |count: usize| json!(vec![0; count]);
    for (request, reason) in [
        (json!({ "inputs": [] }), "expected exactly one input"),
        (
            json!({ "inputs": [faces(&["sad"])["inputs"][0], faces(&["sad"])["inputs"][0]] }),
            "expected exactly one input",
        ),
        (change("name", json!("pixels")), "no input `pixels`"),
        (change("datatype", json!("FP32")), "has datatype UINT8"),
        (change("datatype", json!("FLOAT")), "has datatype UINT8"),
        (change("datatype", json!("BYTES")), "have shape [N]"),
        (
            change("shape", json!([48, 48])),
            "has shape [-1, 1, 48, 48]",
        ),
        (change("shape", json!([])), "has shape"),
        (change("shape", json!([0, 1, 48, 48])), "has shape"),
        (change("shape", json!([-1, 1, 48, 48])), "has shape"),
        (change("shape", json!([1, 1, 48, 47])), "has shape"),
        (change("shape", json!([2, 1, 48, 48])), "needs 4608 values"),
        (change("data", zeros(2303)), "the data has 2303"),
        (change("data", zeros(2305)), "the data has 2305"),
        (change("data", json!(vec![256; 2304])), "256 is not a UINT8"),
        (change("data", json!(vec![-1; 2304])), "-1 is not a UINT8"),
        (change("data", json!(vec![0.5; 2304])), "0.5 is not a UINT8"),
        (
            change("data", json!(vec!["AAAA"; 2304])),
            "data are strings",
        ),
        (change("data", json!([1, "a"])), "numbers and strings"),
        (change("data", json!([null])), "JSON"),
        (
            change("parameters", json!({ "shared_memory_region": "x" })),
            "shared memory",
        ),
        (
            change("parameters", json!({ "binary_data_size": 2304 })),
            "both",
        ),
        (
            change("parameters", json!({ "binary_data_size": -1 })),
            "binary_data_size",
        ),
    ] {
        let error = error_of(app.infer("small").json(&request), 400).await;
        assert!(error.contains(reason), "{reason}: {error}");
    }
    let mut none = faces(&["happy"]);
    none["inputs"][0].as_object_mut().unwrap().remove("data");
    assert!(
        error_of(app.infer("small").json(&none), 400)
            .await
            .contains("no data")
    );
}

#[actix_web::test]
async fn unknown_outputs_and_parameters_are_rejected() {
    let app = TestApp::spawn();
    let with = |key: &str, value: Value| {
        let mut request = faces(&["happy"]);
        request[key] = value;
        request
    };
    for (request, reason) in [
        (
            with("outputs", json!([{ "name": "nope" }])),
            "no output `nope`",
        ),
        (
            with(
                "outputs",
                json!([{ "name": "logits" }, { "name": "logits" }]),
            ),
            "twice",
        ),
        (
            with(
                "outputs",
                json!([{ "name": "logits", "parameters": { "classification": -1 } }]),
            ),
            "classification",
        ),
        (
            with(
                "outputs",
                json!([{ "name": "logits", "parameters": { "classification": "2" } }]),
            ),
            "classification",
        ),
        (
            with(
                "outputs",
                json!([{ "name": "logits", "parameters": { "binary_data": 1 } }]),
            ),
            "binary_data",
        ),
        (
            with(
                "outputs",
                json!([{ "name": "logits", "parameters": { "shared_memory_region": "x" } }]),
            ),
            "shared",
        ),
        (with("parameters", json!({ "timeout": -5 })), "timeout"),
        (with("parameters", json!({ "timeout": 1.5 })), "timeout"),
        (
            with("parameters", json!({ "priority": "high" })),
            "priority",
        ),
        (
            with("parameters", json!({ "binary_data_output": "yes" })),
            "binary_data_output",
        ),
    ] {
        let error = error_of(app.infer("small").json(&request), 400).await;
        assert!(error.contains(reason), "{reason}: {error}");
    }
    // Unknown parameters are ignored.
    let custom = with(
        "parameters",
        json!({ "mine": 1, "priority": 2, "sequence_id": 0, "timeout": 0 }),
    );
    assert_eq!(
        app.infer("small")
            .json(&custom)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[actix_web::test]
async fn null_is_like_absent_field() {
    let app = TestApp::spawn();
    let mut request = faces(&["happy"]);
    let absent = send(app.infer("small").json(&request)).await;
    assert_eq!(absent.0, 200, "{}", absent.1);
    request["id"] = Value::Null;
    request["parameters"] =
        json!({ "timeout": null, "priority": null, "binary_data_output": null });
    request["inputs"][0]["parameters"] =
        json!({ "binary_data_size": null, "shared_memory_region": null });
    let parameters = json!({ "binary_data": null, "classification": null });
    request["outputs"] = json!([
        { "name": "probabilities", "parameters": parameters },
        { "name": "logits", "parameters": null },
    ]);
    assert_eq!(send(app.infer("small").json(&request)).await, absent);

    let post = |path: &str, body: Value| app.client.post(app.url(path)).json(&body);
    let index = send(post("/v2/repository/index", json!({}))).await;
    for body in [json!({ "ready": null }), Value::Null] {
        assert_eq!(send(post("/v2/repository/index", body)).await, index);
    }
    for body in [json!({ "parameters": null }), Value::Null] {
        let load = post("/v2/repository/models/small/load", body);
        assert_eq!(load.send().await.unwrap().status(), 200);
    }
}
