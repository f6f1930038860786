//! What a client does wrong, and what stands against it: never a 5xx for the one, one form of body for both.

use std::time::Duration;

use reqwest::{Body, RequestBuilder};
use serde_json::{Value, json};

use super::{JSON_LENGTH, binary, faces};
use crate::helpers::{TestApp, fixture};

/// Sends the request, checks status and form of the error, and gives its text.
async fn refused(request: RequestBuilder, status: u16) -> String {
    let response = request.send().await.unwrap();
    let given = response.status().as_u16();
    assert!(!response.headers()["x-request-id"].is_empty());
    assert_eq!(response.headers()["content-type"], "application/json");
    let body: Value = response.json().await.unwrap();
    assert_eq!(given, status, "{body}");
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    let error = body["error"].as_str().unwrap();
    assert!(
        !error.is_empty() && !error.contains(env!("CARGO_MANIFEST_DIR")),
        "{error}"
    );
    error.to_owned()
}

#[actix_web::test]
async fn unknown_paths_and_models_are_errors() {
    let app = TestApp::spawn();
    for path in ["/v2/nope", "/v2/", "/v2/models", "/v2/models/small/nope"] {
        refused(app.client.get(app.url(path)), 404).await;
    }
    for path in [
        "/v2",
        "/v2/health/live",
        "/v2/models/small",
        "/v2/models/small/config",
    ] {
        refused(app.client.post(app.url(path)), 405).await;
    }
    let response = app.get("/v2/models/small/infer").await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (405, &"POST".parse().unwrap())
    );
    for model in [
        "nope",
        "broken",
        "small/versions/2",
        "small/versions/01",
        "small/versions/x",
    ] {
        for end in ["", "/ready", "/config"] {
            refused(
                app.client.get(app.url(&format!("/v2/models/{model}{end}"))),
                404,
            )
            .await;
        }
        refused(app.infer(model).json(&faces(&["happy"])), 404).await;
    }
    for model in ["nope", "small/versions/2"] {
        refused(
            app.client
                .get(app.url(&format!("/v2/models/{model}/stats"))),
            404,
        )
        .await;
    }
    // The other protocol keeps its own form.
    let response = app.get("/nope").await;
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
}

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
        refused(app.infer("small").body(body), 400).await;
    }
    let deep = format!(r#"{{"inputs": [{{"data": {}"#, "[".repeat(100_000));
    refused(app.infer("small").body(deep), 400).await;
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
        let error = refused(app.infer("small").json(&request), 400).await;
        assert!(error.contains(reason), "{reason}: {error}");
    }
    let mut none = faces(&["happy"]);
    none["inputs"][0].as_object_mut().unwrap().remove("data");
    assert!(
        refused(app.infer("small").json(&none), 400)
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
        let error = refused(app.infer("small").json(&request), 400).await;
        assert!(error.contains(reason), "{reason}: {error}");
    }
    // What is not known is for others.
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
async fn mismatched_binary_data_is_rejected() {
    let app = TestApp::spawn();
    let request = |size: usize| {
        json!({ "inputs": [{ "name": "image", "datatype": "UINT8", "shape": [1, 1, 48, 48],
            "parameters": { "binary_data_size": size } }] })
    };
    for (size, sent) in [
        (2304, 2303),
        (2304, 2305),
        (2303, 2303),
        (4608, 4608),
        (usize::MAX, 2304),
        (0, 0),
    ] {
        refused(binary(&app, "small", &request(size), &vec![0; sent]), 400).await;
    }
    for length in ["1000000", "-1", "x", "99999999999999999999999"] {
        refused(
            app.infer("small").header(JSON_LENGTH, length).body("{}"),
            400,
        )
        .await;
    }
    for sent in [0, 1, 2303, 2305] {
        refused(
            app.infer("small")
                .header(JSON_LENGTH, 0)
                .body(vec![0; sent]),
            400,
        )
        .await;
    }
    // Elements of BYTES that are longer than what is left.
    for data in [
        &[9, 0, 0, 0, 1][..],
        &[1, 0, 0],
        &[0xff, 0xff, 0xff, 0xff, 1],
    ] {
        let parameters = json!({ "binary_data_size": data.len() });
        let input =
            json!({ "name": "image", "datatype": "BYTES", "shape": [1], "parameters": parameters });
        refused(
            binary(&app, "small", &json!({ "inputs": [input] }), data),
            400,
        )
        .await;
    }
}

#[actix_web::test]
async fn invalid_float_values_are_rejected() {
    let app = TestApp::spawn();
    let input = |shape: Value| json!({ "name": "input_1", "datatype": "FP32", "shape": shape });
    let mut request = json!({ "inputs": [input(json!([1, 48, 48, 1]))] });
    request["inputs"][0]["data"] = json!(vec![1e39; 2304]);
    assert!(
        refused(app.infer("keras").json(&request), 400)
            .await
            .contains("not finite")
    );
    request["inputs"][0].as_object_mut().unwrap().remove("data");
    request["inputs"][0]["parameters"] = json!({ "binary_data_size": 9216 });
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let data = vec![value.to_le_bytes(); 2304].concat();
        let error = refused(binary(&app, "keras", &request, &data), 400).await;
        assert!(error.contains("not finite"), "{error}");
    }
    // Finite, and more than the network can do sums with.
    let data = [3e38_f32.to_le_bytes(), (-3e38_f32).to_le_bytes()]
        .concat()
        .repeat(1152);
    let error = refused(binary(&app, "keras", &request, &data), 400).await;
    assert!(error.contains("contains NaN or infinity"), "{error}");
    request["inputs"][0]["datatype"] = json!("UINT8");
    let error = refused(binary(&app, "keras", &request, &vec![0; 9216]), 400).await;
    assert!(error.contains("has datatype FP32"), "{error}");
}

#[actix_web::test]
async fn invalid_images_fail_request() {
    let app = TestApp::spawn();
    let input = |data: Value| {
        json!({ "inputs": [{ "name": "image", "datatype": "BYTES",
        "shape": [data.as_array().unwrap().len()], "data": data }] })
    };
    let good = "iVBORw0KGgo=";
    let error = refused(app.infer("small").json(&input(json!([good, "***"]))), 400).await;
    assert!(error.contains("image 0"), "{error}");
    let error = refused(app.infer("small").json(&input(json!(["***"]))), 400).await;
    assert!(error.contains("invalid base64"), "{error}");
    assert_eq!(
        app.metric("mien_images_total{model=\"small\",outcome=\"invalid\"}")
            .await,
        3.0
    );
    // Too many pixels, as the header tells.
    let huge = std::fs::read(fixture("huge.png")).unwrap();
    let mut data = u32::try_from(huge.len()).unwrap().to_le_bytes().to_vec();
    data.extend(huge);
    let parameters = json!({ "binary_data_size": data.len() });
    let input =
        json!({ "name": "image", "datatype": "BYTES", "shape": [1], "parameters": parameters });
    refused(
        binary(&app, "small", &json!({ "inputs": [input] }), &data),
        413,
    )
    .await;
}

#[actix_web::test]
async fn oversized_requests_return_413() {
    let app = TestApp::spawn_with(&["--max-images=2"]);
    let error = refused(
        app.infer("small").json(&faces(&["happy", "sad", "fear"])),
        413,
    )
    .await;
    assert!(error.contains("the maximum is 2"), "{error}");
    // The shape alone tells it: nothing is computed with so many.
    let mut request = faces(&["happy"]);
    request["inputs"][0]["shape"] = json!([i64::MAX, 1, 48, 48]);
    refused(app.infer("small").json(&request), 413).await;
    let app = TestApp::spawn_with(&["--max-body=20kB"]);
    refused(app.infer("small").body(vec![b' '; 20_001]), 413).await;
    let chunks =
        futures_util::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1000])));
    refused(app.infer("small").body(Body::wrap_stream(chunks)), 413).await;
}

#[actix_web::test]
async fn limit_applies_to_decompressed_body() {
    use std::io::Write;
    let app = TestApp::spawn_with(&["--max-body=20kB"]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![b' '; 10_000_000]).unwrap();
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 20_000);
    let packed = |encoding: &str, body: Vec<u8>| {
        app.infer("small")
            .header("content-encoding", encoding)
            .body(body)
    };
    refused(packed("gzip", bomb), 413).await;
    refused(packed("gzip", b"no gzip".to_vec()), 400).await;
    refused(packed("deflate", b"no zlib".to_vec()), 400).await;
    refused(packed("br", Vec::new()), 415).await;
}

#[actix_web::test]
async fn deadline_comes_from_header_or_parameter() {
    // A worker waits longer for its batch to fill up than the client for its answer.
    let app = TestApp::spawn_with(&["--max-queue-delay=500ms", "--instances=1"]);
    let mut request = faces(&["happy"]);
    request["parameters"] = json!({ "timeout": 20_000 });
    refused(app.infer("small").json(&request), 504).await;
    let request = app.infer("small").json(&faces(&["happy"]));
    refused(request.header("x-request-timeout-ms", "20"), 504).await;
    let request = app.infer("small").json(&faces(&["happy"]));
    refused(request.header("x-request-timeout-ms", "soon"), 400).await;
    app.until_metric(
        "mien_images_total{model=\"small\",outcome=\"expired\"}",
        2.0,
    )
    .await;
}

#[actix_web::test]
async fn full_queue_rejects_with_retry() {
    let app = TestApp::spawn_with(&[
        "--max-queue-delay=10s",
        "--instances=1",
        "--max-queue-size=2",
        "--max-images=2",
    ]);
    let waiting = app.infer("small").json(&faces(&["happy"]));
    let waiting = actix_web::rt::spawn(waiting.timeout(Duration::from_secs(20)).send());
    app.until_metric("mien_queue_images{model=\"small\"}", 1.0)
        .await;
    let request = app.infer("small").json(&faces(&["sad", "fear"]));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 503);
    let seconds: u64 = response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(seconds >= 1);
    assert!(response.json::<Value>().await.unwrap()["error"].is_string());
    waiting.abort();
}

#[actix_web::test]
async fn request_id_header_is_returned() {
    let app = TestApp::spawn();
    let response = app
        .client
        .get(app.url("/v2/nope"))
        .header("x-request-id", "mine")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["x-request-id"], "mine");
}
