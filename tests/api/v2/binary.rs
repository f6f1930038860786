//! Binary tensor data, raw bodies and compressed bodies.

use serde_json::json;

use super::{
    JSON_LENGTH, binary, faces, floats, gray,
    infer::{assert_close, expected, values},
    split,
};
use crate::helpers::TestApp;

#[actix_web::test]
async fn binary_tensors_follow_json() {
    let app = TestApp::spawn();
    let data = gray("happy");
    let parameters = json!({ "binary_data_size": data.len() });
    let input = json!({ "name": "image", "datatype": "UINT8", "shape": [1, 1, 48, 48], "parameters": parameters });
    // All outputs are binary except one.
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
    let actual: Vec<f64> = floats(&rest).into_iter().map(f64::from).collect();
    assert_close(&actual, &expected("small", "happy"));

    // Only one output is requested, in binary.
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
        let actual: Vec<f64> = floats(&rest).into_iter().map(f64::from).take(7).collect();
        assert_close(&actual, &expected("small", "happy"));
    }
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
        let mut decompressed = Vec::new();
        if encoding == "gzip" {
            flate2::read::GzDecoder::new(&body[..])
                .read_to_end(&mut decompressed)
                .unwrap();
        } else {
            flate2::read::ZlibDecoder::new(&body[..])
                .read_to_end(&mut decompressed)
                .unwrap();
        }
        assert_eq!(decompressed, plain);
    }
}
