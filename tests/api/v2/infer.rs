//! Inference over HTTP, compared with ONNX Runtime's Python package (`expected.json`).

use std::{collections::BTreeMap, fs};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{binary, faces, gray};
use crate::helpers::{TestApp, base64_lines, face, fixture, send};

/// Returns the expected probabilities of a face in the order of the labels.
pub(super) fn expected(model: &str, class: &str) -> Vec<f64> {
    let text = fs::read_to_string(fixture("expected.json")).unwrap();
    let all: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    // The labels of every fixture are in alphabetical order, like the keys of a map.
    let probabilities = all[model][class]["probabilities"].as_object().unwrap();
    let sorted: BTreeMap<_, _> = probabilities.iter().collect();
    sorted
        .values()
        .map(|probability| probability.as_f64().unwrap())
        .collect()
}

pub(super) fn assert_close(actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    let is_close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-5;
    assert!(
        actual.iter().zip(expected).all(is_close),
        "{actual:?} {expected:?}"
    );
}

pub(super) fn values(output: &Value) -> Vec<f64> {
    output["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect()
}

#[actix_web::test]
async fn json_tensors_are_flat_or_nested() {
    let app = TestApp::spawn();
    let mut request = faces(&["happy", "sad"]);
    request["id"] = json!("request 1");
    let (status, body) = send(app.infer("small").json(&request)).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["id"], "request 1");
    assert_eq!(
        (&body["model_name"], &body["model_version"]),
        (&json!("small"), &json!("1"))
    );
    let [probabilities, logits] = body["outputs"].as_array().unwrap().as_slice() else {
        panic!("two outputs in {body}");
    };
    assert_eq!(
        (&probabilities["name"], &logits["name"]),
        (&json!("probabilities"), &json!("logits"))
    );
    for output in [probabilities, logits] {
        assert_eq!(
            (&output["datatype"], &output["shape"]),
            (&json!("FP32"), &json!([2, 7]))
        );
    }
    let actual = values(probabilities);
    assert_close(&actual[..7], &expected("small", "happy"));
    assert_close(&actual[7..], &expected("small", "sad"));

    let data = request["inputs"][0]["data"].as_array().unwrap();
    let rows = |image: &[Value]| Value::from_iter(image.chunks(48).map(|row| json!(row)));
    let nested = Value::from_iter(data.chunks(2304).map(|image| json!([rows(image)])));
    request["inputs"][0]["data"] = nested;
    assert_eq!(
        send(app.infer("small/versions/1").json(&request)).await.1,
        body
    );
}

#[actix_web::test]
async fn json_tensors_count_in_body_memory() {
    let app = TestApp::spawn_with(&["--max-body-memory=30kB"]);
    let body = |faces: usize| {
        let numbers = vec![0; faces * 48 * 48];
        json!({ "inputs": [{
            "name": "image", "datatype": "UINT8", "shape": [faces, 1, 48, 48], "data": numbers
        }] })
    };
    for _ in 0..3 {
        // Nine kilobytes of JSON need 65 kB for their numbers.
        assert_eq!(
            app.infer("small")
                .json(&body(2))
                .send()
                .await
                .unwrap()
                .status(),
            503
        );
    }
    let app = TestApp::spawn_with(&["--max-body-memory=100kB"]);
    for _ in 0..3 {
        assert_eq!(
            app.infer("small")
                .json(&body(2))
                .send()
                .await
                .unwrap()
                .status(),
            200
        );
    }
}

#[actix_web::test]
async fn missing_id_is_not_returned() {
    let app = TestApp::spawn();
    let (_, body) = send(app.infer("small").json(&faces(&["happy"]))).await;
    assert_eq!(body.get("id"), None, "{body}");
}

#[actix_web::test]
async fn null_fields_are_ignored() {
    let app = TestApp::spawn();
    let mut request = faces(&["happy"]);
    let (_, body) = send(app.infer("small").json(&request)).await;
    for name in ["id", "parameters", "outputs"] {
        request[name] = Value::Null;
    }
    request["inputs"][0]["parameters"] = Value::Null;
    assert_eq!(send(app.infer("small").json(&request)).await, (200, body));
    request["outputs"] = json!([{ "name": "probabilities", "parameters": null }]);
    assert_eq!(send(app.infer("small").json(&request)).await.0, 200);
}

#[actix_web::test]
async fn outputs_keep_requested_order() {
    let app = TestApp::spawn();
    let mut request = faces(&["fear"]);
    request["outputs"] = json!([{ "name": "logits" }, { "name": "probabilities" }]);
    let (_, body) = send(app.infer("small").json(&request)).await;
    let names: Vec<_> = body["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|output| &output["name"])
        .collect();
    assert_eq!(names, ["logits", "probabilities"]);
    request["outputs"] = json!([{ "name": "logits" }]);
    let (_, body) = send(app.infer("small").json(&request)).await;
    assert_eq!(body["outputs"].as_array().unwrap().len(), 1);
    // The softmax of the logits equals the probabilities of the model.
    let powers: Vec<f64> = values(&body["outputs"][0])
        .iter()
        .map(|value| value.exp())
        .collect();
    let sum: f64 = powers.iter().sum();
    let softmax: Vec<f64> = powers.iter().map(|power| power / sum).collect();
    assert_close(&softmax, &expected("small", "fear"));
}

#[actix_web::test]
async fn float_model_accepts_float_tensors() {
    let app = TestApp::spawn();
    // The network expects gray levels divided by 255.
    let scaled: Vec<f32> = gray("angry")
        .into_iter()
        .map(|gray| f32::from(gray) / 255.0)
        .collect();
    let input = json!({ "name": "input_1", "datatype": "FP32", "shape": [1, 48, 48, 1] });
    let mut request = json!({ "inputs": [input] });
    request["inputs"][0]["data"] = json!(scaled);
    let (status, body) = send(app.infer("keras").json(&request)).await;
    assert_eq!(status, 200, "{body}");
    assert_close(&values(&body["outputs"][0]), &expected("keras", "angry"));

    let data: Vec<u8> = scaled
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    request["inputs"][0].as_object_mut().unwrap().remove("data");
    request["inputs"][0]["parameters"] = json!({ "binary_data_size": data.len() });
    let response = binary(&app, "keras", &request, &data).send().await.unwrap();
    let same: Value = response.json().await.unwrap();
    assert_eq!(same, body);
}

#[actix_web::test]
async fn base64_tensor_with_line_breaks_is_accepted() {
    let app = TestApp::spawn();
    let base64 = base64_lines(&BASE64_STANDARD.encode(face("happy")), 76, "\n");
    let input = json!({ "name": "image", "datatype": "BYTES", "shape": [1], "data": [base64] });
    let (status, body) = send(app.infer("small").json(&json!({ "inputs": [input] }))).await;
    assert_eq!(status, 200, "{body}");
    assert_close(&values(&body["outputs"][0]), &expected("small", "happy"));
}

#[actix_web::test]
async fn encoded_images_are_accepted() {
    let app = TestApp::spawn();
    let images = ["happy", "surprise"].map(face);
    let encoded = images.each_ref().map(|image| BASE64_STANDARD.encode(image));
    let input = json!({ "name": "image", "datatype": "BYTES", "shape": [2], "data": encoded });
    let (status, body) = send(app.infer("small").json(&json!({ "inputs": [input] }))).await;
    assert_eq!(status, 200, "{body}");
    let actual = values(&body["outputs"][0]);
    assert_close(&actual[..7], &expected("small", "happy"));
    assert_close(&actual[7..], &expected("small", "surprise"));

    let length = |image: &[u8]| u32::try_from(image.len()).unwrap().to_le_bytes();
    let data: Vec<u8> = images
        .iter()
        .flat_map(|image| [&length(image), &image[..]].concat())
        .collect();
    // Clients of Triton also send the shape [N, 1].
    for shape in [json!([2]), json!([2, 1])] {
        let parameters = json!({ "binary_data_size": data.len() });
        let input = json!({ "name": "image", "datatype": "BYTES", "shape": shape, "parameters": parameters });
        let request = binary(&app, "small", &json!({ "inputs": [input] }), &data);
        assert_eq!(send(request).await, (200, body.clone()));
    }
    let ok = app
        .metric("mien_images_total{model=\"small\",outcome=\"ok\",priority=\"live\",version=\"1\"}")
        .await;
    assert_eq!(ok, 6.0);
    let text = app.get("/metrics").await.text().await.unwrap();
    let predictions = text
        .lines()
        .filter(|line| line.starts_with("mien_predictions_total{"));
    let count: f64 = predictions
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum();
    assert_eq!(count, 6.0);
}

#[actix_web::test]
async fn classification_parameter_returns_classes() {
    let app = TestApp::spawn();
    let mut request = faces(&["happy", "sad"]);
    request["outputs"] =
        json!([{ "name": "probabilities", "parameters": { "classification": 3 } }]);
    let (status, body) = send(app.infer("small").json(&request)).await;
    assert_eq!(status, 200, "{body}");
    insta::assert_json_snapshot!("classes", body);
    // More classes than there are: all of them.
    request["outputs"][0]["parameters"]["classification"] = json!(99);
    let (_, body) = send(app.infer("small").json(&request)).await;
    assert_eq!(body["outputs"][0]["shape"], json!([2, 7]));
}
