//! Tensors in and out: held against ONNX Runtime's Python package (`expected.json`).

use std::{collections::BTreeMap, fs};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{JSON_LENGTH, binary, faces, floats, gray, split};
use crate::helpers::{TestApp, face, fixture, send};

/// The expected probabilities of a picture, in the order of the labels.
fn expected(model: &str, class: &str) -> Vec<f64> {
    let text = fs::read_to_string(fixture("expected.json")).unwrap();
    let all: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    // The labels of every fixture are in alphabetical order, as those of a map are.
    let probabilities = all[model][class]["probabilities"].as_object().unwrap();
    let sorted: BTreeMap<_, _> = probabilities.iter().collect();
    sorted
        .values()
        .map(|probability| probability.as_f64().unwrap())
        .collect()
}

fn assert_close(given: &[f64], wanted: &[f64]) {
    assert_eq!(given.len(), wanted.len());
    let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-5;
    assert!(given.iter().zip(wanted).all(close), "{given:?} {wanted:?}");
}

fn values(output: &Value) -> Vec<f64> {
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
    let given = values(probabilities);
    assert_close(&given[..7], &expected("small", "happy"));
    assert_close(&given[7..], &expected("small", "sad"));

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
        // Nine kilobytes that make sixty-five.
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
    let app = TestApp::spawn_with(&["--max-body-memory=80kB"]);
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
    // The softmax of the logits, computed here, is what the model calls probabilities.
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
    // As the notebook feeds it: x / 255.
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
async fn encoded_images_are_accepted() {
    let app = TestApp::spawn();
    let pictures = ["happy", "surprise"].map(face);
    let encoded = pictures
        .each_ref()
        .map(|picture| BASE64_STANDARD.encode(picture));
    let input = json!({ "name": "image", "datatype": "BYTES", "shape": [2], "data": encoded });
    let (status, body) = send(app.infer("small").json(&json!({ "inputs": [input] }))).await;
    assert_eq!(status, 200, "{body}");
    let given = values(&body["outputs"][0]);
    assert_close(&given[..7], &expected("small", "happy"));
    assert_close(&given[7..], &expected("small", "surprise"));

    let length = |picture: &[u8]| u32::try_from(picture.len()).unwrap().to_le_bytes();
    let data: Vec<u8> = pictures
        .iter()
        .flat_map(|picture| [&length(picture), &picture[..]].concat())
        .collect();
    // Triton's clients name the column too.
    for shape in [json!([2]), json!([2, 1])] {
        let parameters = json!({ "binary_data_size": data.len() });
        let input = json!({ "name": "image", "datatype": "BYTES", "shape": shape, "parameters": parameters });
        let request = binary(&app, "small", &json!({ "inputs": [input] }), &data);
        assert_eq!(send(request).await, (200, body.clone()));
    }
    let ok = app
        .metric("mien_images_total{model=\"small\",outcome=\"ok\"}")
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
async fn binary_tensors_follow_json() {
    let app = TestApp::spawn();
    let data = gray("happy");
    let parameters = json!({ "binary_data_size": data.len() });
    let input = json!({ "name": "image", "datatype": "UINT8", "shape": [1, 1, 48, 48], "parameters": parameters });
    // All outputs in binary, but for one that says otherwise.
    let request = json!({
        "inputs": [input],
        "parameters": { "binary_data_output": true },
        "outputs": [{ "name": "probabilities" }, { "name": "logits", "parameters": { "binary_data": false } }],
    });
    let response = binary(&app, "small", &request, &data).send().await.unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "application/octet-stream"
    );
    let (json, rest) = split(response).await;
    let [probabilities, logits] = json["outputs"].as_array().unwrap().as_slice() else {
        panic!("two outputs in {json}");
    };
    assert_eq!(
        probabilities["parameters"],
        json!({ "binary_data_size": 28 })
    );
    assert_eq!(probabilities.get("data"), None);
    assert_eq!(values(logits).len(), 7);
    let given: Vec<f64> = floats(&rest).into_iter().map(f64::from).collect();
    assert_close(&given, &expected("small", "happy"));

    // One output in binary, the other one is not asked for.
    let request = json!({
        "inputs": request["inputs"],
        "outputs": [{ "name": "logits", "parameters": { "binary_data": true, "classification": 2 } }],
    });
    let (json, rest) = split(binary(&app, "small", &request, &data).send().await.unwrap()).await;
    let output = &json["outputs"][0];
    assert_eq!(
        (&output["datatype"], &output["shape"]),
        (&json!("BYTES"), &json!([1, 2]))
    );
    assert_eq!(output["parameters"]["binary_data_size"], rest.len());
    let length = usize::try_from(u32::from_le_bytes(rest[..4].try_into().unwrap())).unwrap();
    let first = String::from_utf8(rest[4..4 + length].to_vec()).unwrap();
    let [value, index, label] = first.split(':').collect::<Vec<_>>().try_into().unwrap();
    assert!(
        value.parse::<f32>().is_ok() && index.parse::<usize>().is_ok(),
        "{first}"
    );
    assert_eq!(label, highest(&expected("small", "happy")));
}

fn highest(probabilities: &[f64]) -> &'static str {
    let labels = [
        "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
    ];
    let top = probabilities
        .iter()
        .enumerate()
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .unwrap();
    labels[top.0]
}

#[actix_web::test]
async fn raw_body_is_input_data() {
    let app = TestApp::spawn();
    for classes in [&["happy"][..], &["happy", "sad"]] {
        let data: Vec<u8> = classes.iter().flat_map(|class| gray(class)).collect();
        let response = app
            .infer("small")
            .header(JSON_LENGTH, 0)
            .body(data)
            .send()
            .await
            .unwrap();
        let (json, rest) = split(response).await;
        assert_eq!(json["outputs"][0]["shape"], json!([classes.len(), 7]));
        let given: Vec<f64> = floats(&rest).into_iter().map(f64::from).take(7).collect();
        assert_close(&given, &expected("small", "happy"));
    }
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

#[actix_web::test]
async fn requests_and_responses_are_compressed() {
    use std::io::{Read, Write};
    let app = TestApp::spawn();
    let json = faces(&["happy"]).to_string();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(json.as_bytes()).unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(json.as_bytes()).unwrap();
    let plain = app
        .infer("small")
        .body(json)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    for (encoding, body) in [
        ("gzip", gzip.finish().unwrap()),
        ("deflate", zlib.finish().unwrap()),
    ] {
        let request = app
            .infer("small")
            .header("content-encoding", encoding)
            .body(body);
        let response = request
            .header("accept-encoding", encoding)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-encoding"], encoding);
        let body = response.bytes().await.unwrap();
        let mut unpacked = Vec::new();
        if encoding == "gzip" {
            flate2::read::GzDecoder::new(&body[..])
                .read_to_end(&mut unpacked)
                .unwrap();
        } else {
            flate2::read::ZlibDecoder::new(&body[..])
                .read_to_end(&mut unpacked)
                .unwrap();
        }
        assert_eq!(unpacked, plain);
    }
}
