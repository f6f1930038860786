//! `POST /v1/classify`, compared with ONNX Runtime's Python package (`expected.json`).

use std::{collections::BTreeMap, fs};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::helpers::{TestApp, assert_problem, base64_lines, face, fixture, send};

const CLASSES: [&str; 7] = [
    "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
];

/// Returns the prediction of a fixture model for the face of each class, as ONNX Runtime's Python package computed it.
pub(crate) fn expected(model: &str) -> BTreeMap<String, Value> {
    let text = fs::read_to_string(fixture("expected.json")).unwrap();
    let mut all: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(&text).unwrap();
    all.remove(model).unwrap()
}

/// Compares a prediction with the expected one; `tolerance` is for probabilities.
pub(crate) fn assert_close(prediction: &Value, expected: &Value, tolerance: f64) {
    assert_eq!(prediction["label"], expected["label"]);
    let expected_probabilities = expected["probabilities"].as_object().unwrap();
    let given = prediction["probabilities"].as_object().unwrap();
    assert_eq!(given.len(), expected_probabilities.len());
    for (label, probability) in expected_probabilities {
        let difference = probability.as_f64().unwrap() - given[label].as_f64().unwrap();
        assert!(
            difference.abs() <= tolerance,
            "{label}: {given:?} {expected_probabilities:?}"
        );
    }
    let label = prediction["label"].as_str().unwrap();
    assert_eq!(prediction["confidence"], given[label]);
}

#[actix_web::test]
async fn single_image_is_classified() {
    let app = TestApp::spawn();
    let expected = expected("small");
    for class in CLASSES {
        let (status, body) = send(app.classify("", face(class))).await;
        assert_eq!(
            (status, &body["model"], &body["version"]),
            (200, &json!("small"), &json!("1"))
        );
        assert_close(&body["predictions"][0], &expected[class], 1e-5);
    }
}

#[actix_web::test]
async fn image_format_is_detected_by_content() {
    let app = TestApp::spawn();
    for kind in [
        "image/png",
        "image/jpeg",
        "image/x-unheard-of",
        "application/octet-stream",
    ] {
        let request = app.classify("", face("happy")).header("content-type", kind);
        assert_eq!(send(request).await.0, 200, "{kind}");
    }
}

#[actix_web::test]
async fn predictions_keep_image_order() {
    let app = TestApp::spawn();
    let expected = expected("small");
    let (status, form) = send(app.classify_many("", CLASSES.map(face))).await;
    assert_eq!(status, 200);
    let encoded = CLASSES.map(|class| BASE64_STANDARD.encode(face(class)));
    let request = app
        .client
        .post(app.url("/v1/classify"))
        .json(&json!({ "images": encoded }));
    let (status, json) = send(request).await;
    assert_eq!(status, 200);
    for (index, class) in CLASSES.into_iter().enumerate() {
        assert_close(&form["predictions"][index], &expected[class], 1e-5);
        assert_close(&json["predictions"][index], &expected[class], 1e-5);
    }
}

#[actix_web::test]
async fn data_urls_are_accepted() {
    let app = TestApp::spawn();
    let image = format!(
        "data:image/png;base64,{}",
        BASE64_STANDARD.encode(face("sad"))
    );
    let request = app
        .client
        .post(app.url("/v1/classify"))
        .json(&json!({ "images": [image] }));
    let (status, body) = send(request).await;
    assert_eq!(status, 200);
    assert_close(&body["predictions"][0], &expected("small")["sad"], 1e-5);
}

#[actix_web::test]
async fn base64_with_line_breaks_is_accepted() {
    let app = TestApp::spawn();
    let (dense, expected) = (
        BASE64_STANDARD.encode(face("sad")),
        &expected("small")["sad"],
    );
    let images = [
        base64_lines(&dense, 76, "\n"),
        base64_lines(&dense, 64, "\r\n"),
    ];
    let request = app
        .client
        .post(app.url("/v1/classify"))
        .json(&json!({ "images": images }));
    let (status, body) = send(request).await;
    assert_eq!(status, 200, "{body}");
    for prediction in body["predictions"].as_array().unwrap() {
        assert_close(prediction, expected, 1e-5);
    }
}

#[actix_web::test]
async fn keras_model_uses_labels_of_config_file() {
    assert_answers("keras", 1e-5).await;
}

#[actix_web::test]
async fn faces_are_resized_to_model_input() {
    // The resize may differ from Pillow's by a gray level.
    assert_answers("tiny", 0.05).await;
}

async fn assert_answers(model: &str, tolerance: f64) {
    let app = TestApp::spawn();
    let expected = expected(model);
    let (status, body) =
        send(app.classify_many(&format!("?model={model}"), CLASSES.map(face))).await;
    assert_eq!((status, &body["model"]), (200, &json!(model)));
    for (index, class) in CLASSES.into_iter().enumerate() {
        assert_close(&body["predictions"][index], &expected[class], tolerance);
    }
}

#[actix_web::test]
async fn top_k_limits_probabilities() {
    let app = TestApp::spawn();
    let (status, body) = send(app.classify("?model=small&version=1&top_k=2", face("happy"))).await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(body, {
        ".predictions[].confidence" => insta::rounded_redaction(3),
        ".predictions[].probabilities.*" => insta::rounded_redaction(3),
    });
}

#[actix_web::test]
async fn invalid_image_has_error_at_its_position() {
    let app = TestApp::spawn();
    let cut_off = face("fear")[..900].to_vec();
    let images = [
        face("happy"),
        cut_off,
        b"not an image".to_vec(),
        face("sad"),
    ];
    let (status, body) = send(app.classify_many("?top_k=1", images)).await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(body, {
        ".predictions[].confidence" => insta::rounded_redaction(3),
        ".predictions[].probabilities.*" => insta::rounded_redaction(3),
    });
    assert_eq!(
        app.metric(
            "mien_images_total{model=\"small\",outcome=\"invalid\",priority=\"live\",version=\"1\"}"
        )
        .await,
        2.0
    );
    assert_eq!(
        app.metric(
            "mien_images_total{model=\"small\",outcome=\"ok\",priority=\"live\",version=\"1\"}"
        )
        .await,
        2.0
    );
}

#[actix_web::test]
async fn request_fails_if_all_images_are_invalid() {
    let app = TestApp::spawn();
    let huge = fs::read(fixture("huge.png")).unwrap();
    let bad = app
        .classify_many("", [b"not an image".to_vec(), huge.clone()])
        .send()
        .await
        .unwrap();
    let body = assert_problem(bad, 400, "invalid_image").await;
    assert!(
        body["detail"]
            .as_str()
            .unwrap()
            .contains("none of the 2 images"),
        "{body}"
    );
    let huge = app
        .classify_many("", [huge.clone(), huge])
        .send()
        .await
        .unwrap();
    assert_problem(huge, 413, "too_large").await;
}

#[actix_web::test]
async fn request_can_exceed_batch_size() {
    let app = TestApp::spawn_with(&["--max-batch=3"]);
    let expected = expected("small");
    let classes: Vec<&str> = CLASSES.into_iter().cycle().take(50).collect();
    let (status, body) = send(app.classify_many("", classes.iter().map(|class| face(class)))).await;
    assert_eq!(status, 200);
    for (index, class) in classes.into_iter().enumerate() {
        assert_close(&body["predictions"][index], &expected[class], 1e-5);
    }
}

#[actix_web::test]
async fn concurrent_requests_get_own_predictions() {
    // All requests fit into the queue.
    let app = TestApp::spawn_with(&["--max-queue-size=70"]);
    let expected = expected("small");
    let classes = || CLASSES.into_iter().cycle().take(70);
    let requests = classes().map(|class| send(app.classify("", face(class))));
    let responses = futures_util::future::join_all(requests).await;
    for (class, (status, body)) in classes().zip(responses) {
        assert_eq!(status, 200);
        assert_close(&body["predictions"][0], &expected[class], 1e-5);
    }
}
