//! Invalid requests: JSON, tensors, parameters, binary data and images.

use serde_json::{Value, json};

use super::{JSON_LENGTH, binary, errors::error_of, faces};
use crate::helpers::{TestApp, fixture};

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
        error_of(binary(&app, "small", &request(size), &vec![0; sent]), 400).await;
    }
    for length in ["1000000", "-1", "x", "99999999999999999999999"] {
        error_of(
            app.infer("small").header(JSON_LENGTH, length).body("{}"),
            400,
        )
        .await;
    }
    for sent in [0, 1, 2303, 2305] {
        error_of(
            app.infer("small")
                .header(JSON_LENGTH, 0)
                .body(vec![0; sent]),
            400,
        )
        .await;
    }
    // Elements of BYTES that are longer than the remaining data.
    for data in [
        &[9, 0, 0, 0, 1][..],
        &[1, 0, 0],
        &[0xff, 0xff, 0xff, 0xff, 1],
    ] {
        let parameters = json!({ "binary_data_size": data.len() });
        let input =
            json!({ "name": "image", "datatype": "BYTES", "shape": [1], "parameters": parameters });
        error_of(
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
        error_of(app.infer("keras").json(&request), 400)
            .await
            .contains("not finite")
    );
    request["inputs"][0].as_object_mut().unwrap().remove("data");
    request["inputs"][0]["parameters"] = json!({ "binary_data_size": 9216 });
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let data = vec![value.to_le_bytes(); 2304].concat();
        let error = error_of(binary(&app, "keras", &request, &data), 400).await;
        assert!(error.contains("not finite"), "{error}");
    }
    // These values are finite, but their sums overflow in the network.
    let data = [3e38_f32.to_le_bytes(), (-3e38_f32).to_le_bytes()]
        .concat()
        .repeat(1152);
    let error = error_of(binary(&app, "keras", &request, &data), 400).await;
    assert!(error.contains("contains NaN or infinity"), "{error}");
    request["inputs"][0]["datatype"] = json!("UINT8");
    let error = error_of(binary(&app, "keras", &request, &vec![0; 9216]), 400).await;
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
    let error = error_of(app.infer("small").json(&input(json!([good, "***"]))), 400).await;
    assert!(error.contains("image 0"), "{error}");
    let error = error_of(app.infer("small").json(&input(json!(["***"]))), 400).await;
    assert!(error.contains("invalid base64"), "{error}");
    assert_eq!(
        app.metric("mien_images_total{model=\"small\",outcome=\"invalid\"}")
            .await,
        3.0
    );
    // The header declares too many pixels.
    let huge = std::fs::read(fixture("huge.png")).unwrap();
    let mut data = u32::try_from(huge.len()).unwrap().to_le_bytes().to_vec();
    data.extend(huge);
    let parameters = json!({ "binary_data_size": data.len() });
    let input =
        json!({ "name": "image", "datatype": "BYTES", "shape": [1], "parameters": parameters });
    error_of(
        binary(&app, "small", &json!({ "inputs": [input] }), &data),
        413,
    )
    .await;
}
