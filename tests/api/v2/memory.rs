//! Memory of JSON: what a request may contain, and what counts in `--max-body-memory`.

use std::io::Write;

use serde_json::{Value, json};

use super::{errors::error_of, faces};
use crate::helpers::{TestApp, send};

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// Returns an object with `count` members.
fn members(count: usize) -> Value {
    (0..count).map(|i| (format!("k{i}"), json!(1))).collect()
}

#[actix_web::test]
async fn unknown_parameters_are_not_stored() {
    // A map of 10,000 parameters takes 1.5 MB.
    let app = TestApp::spawn_with(&["--max-body-memory=500kB"]);
    let (_, expected) = send(app.infer("small").json(&faces(&["happy"]))).await;
    let mut request = faces(&["happy"]);
    request["parameters"] = members(10_000);
    request["inputs"][0]["parameters"] = json!({ "nested": members(1000) });
    request["unknown"] = json!([members(100), [[["x"]]]]);
    assert_eq!(send(app.infer("small").json(&request)).await.1, expected);
    let compressed = gzip(request.to_string().as_bytes());
    let request = app.infer("small").header("content-encoding", "gzip");
    assert_eq!(send(request.body(compressed)).await.1, expected);
}

#[actix_web::test]
async fn parsing_counts_in_body_memory() {
    let app = TestApp::spawn_with(&["--max-body-memory=500kB"]);
    let text =
        |unit: &str, count: usize| format!(r#"{{"inputs": [], "x": "{}"}}"#, unit.repeat(count));
    for (body, status) in [
        // The parser skips a string without escape sequences.
        (text("a", 200_000), 400),
        // It copies strings with escape sequences.
        (text(r"\n", 100_000), 503),
        // It keeps one byte per open bracket.
        (format!(r#"{{"x": {}"#, "[".repeat(200_000)), 503),
    ] {
        error_of(app.infer("small").body(body.clone()), status).await;
        let compressed = app.infer("small").header("content-encoding", "gzip");
        error_of(compressed.body(gzip(body.as_bytes())), status).await;
    }
    // 3 kB become 3 MB.
    let spaces = gzip(&vec![b' '; 3_000_000]);
    let request = app.infer("small").header("content-encoding", "gzip");
    error_of(request.body(spaces), 503).await;
    assert_eq!(
        send(app.infer("small").json(&faces(&["happy"]))).await.0,
        200
    );
}

#[actix_web::test]
async fn excess_elements_are_counted_and_not_stored() {
    // A list of 100,000 numbers takes 800 kB.
    let app = TestApp::spawn_with(&["--max-body-memory=800kB", "--max-images=2"]);
    let with_data = |datatype: &str, shape: Value, data: Value| json!({ "inputs": [{ "name": "image", "datatype": datatype, "shape": shape, "data": data }] });
    let numbers = with_data("UINT8", json!([2, 1, 48, 48]), json!(vec![1; 100_000]));
    let strings = with_data("BYTES", json!([2]), json!(vec![""; 100_000]));
    for request in [numbers, strings] {
        let error = error_of(app.infer("small").json(&request), 400).await;
        assert!(error.contains("the data has 100000"), "{error}");
    }
    let mut binary = Vec::new();
    for _ in 0..1000 {
        binary.extend(0_u32.to_le_bytes());
    }
    let input = json!({ "name": "image", "datatype": "BYTES", "shape": [2],
        "parameters": { "binary_data_size": binary.len() } });
    let request = super::binary(&app, "small", &json!({ "inputs": [input] }), &binary);
    let error = error_of(request, 400).await;
    assert!(error.contains("the data has more"), "{error}");
}

#[actix_web::test]
async fn long_lists_and_names_are_rejected() {
    let app = TestApp::spawn();
    let with = |key: &str, value: Value| {
        let mut request = faces(&["happy"]);
        request[key] = value;
        request
    };
    let with_input = |key: &str, value: Value| {
        let mut request = faces(&["happy"]);
        request["inputs"][0][key] = value;
        request
    };
    let name = "a".repeat(1025);
    for (request, reason) in [
        (
            with("inputs", json!(vec![json!({}); 65])),
            "more than 64 inputs",
        ),
        (
            with("outputs", json!(vec![json!({}); 65])),
            "more than 64 outputs",
        ),
        (with("outputs", json!([{ "name": name }])), "1025 bytes"),
        (with("outputs", json!([{}])), "missing field `name`"),
        (with("outputs", json!([null])), "null"),
        (with("id", json!(name)), "1025 bytes"),
        (with_input("name", json!(name)), "1025 bytes"),
        (with_input("datatype", json!(name)), "1025 bytes"),
        (
            with_input("shape", json!(vec![1; 33])),
            "more than 32 dimensions",
        ),
        (with_input("shape", json!(["1"])), "string of 1 bytes"),
        (with("inputs", json!(name)), "string of 1025 bytes"),
        (with("inputs", json!([name])), "string of 1025 bytes"),
        (with("parameters", json!(name)), "string of 1025 bytes"),
        (json!(name), "string of 1025 bytes"),
    ] {
        let error = error_of(app.infer("small").json(&request), 400).await;
        assert!(error.contains(reason), "{reason}: {error}");
    }
    let twice = r#"{"inputs": [], "inputs": []}"#;
    let error = error_of(app.infer("small").body(twice), 400).await;
    assert!(error.contains("duplicate field `inputs`"), "{error}");
}
