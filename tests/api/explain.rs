//! `POST /v1/explain`.

mod limits;

use base64::{Engine, prelude::BASE64_STANDARD};
use mien_faces::image::{Face, Limits, decode};
use reqwest::{RequestBuilder, multipart};
use serde_json::{Value, json};

use crate::helpers::{TestApp, assert_problem, face, send};

impl TestApp {
    fn explain(&self, query: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.client
            .post(self.url(&format!("/v1/explain{query}")))
            .body(body)
    }
}

/// Returns the input of the model `small` for an image.
fn pixels(file: &[u8]) -> Vec<u8> {
    decode(file, &Limits::default())
        .unwrap()
        .to_face(48)
        .pixels()
        .to_vec()
}

/// Covers a square of 8 pixels of a face with its mean gray level.
fn occluded(file: &[u8], top: usize, left: usize) -> Vec<u8> {
    let mut pixels = pixels(file);
    let sum: f64 = pixels.iter().copied().map(f64::from).sum();
    let fill = (sum / 2304.0).round() as u8;
    for row in top..top + 8 {
        pixels[row * 48 + left..row * 48 + left + 8].fill(fill);
    }
    Face::new(48, pixels).unwrap().png()
}

#[actix_web::test]
async fn explanation_has_documented_shape() {
    let app = TestApp::spawn();
    let (status, body) = send(app.explain("", face("happy"))).await;
    assert_eq!(status, 200);
    let rows = body["weights"].as_array().unwrap();
    assert_eq!(rows.len(), 48);
    for row in rows {
        assert_eq!(row.as_array().unwrap().len(), 48);
        assert!(
            row.as_array()
                .unwrap()
                .iter()
                .all(|w| w.as_f64().unwrap().abs() <= 1.0)
        );
    }
    insta::assert_json_snapshot!(body, {
        ".probability" => insta::rounded_redaction(3),
        ".weights" => "[48 rows of 48]",
    });
}

#[actix_web::test]
async fn weights_equal_probability_loss_of_occluded_face() {
    let app = TestApp::spawn();
    let file = face("sad");
    let probability = async |file: Vec<u8>, label: &str| {
        let (_, body) = send(app.classify("", file)).await;
        body["predictions"][0]["probabilities"][label]
            .as_f64()
            .unwrap()
    };
    let (_, top) = send(app.explain("", file.clone())).await;
    let (_, named) = send(app.explain("?label=disgust", file.clone())).await;
    assert_eq!(named["label"], "disgust");
    for body in [top, named] {
        let label = body["label"].as_str().unwrap();
        let whole = probability(file.clone(), label).await;
        assert!(
            (body["probability"].as_f64().unwrap() - whole).abs() < 1e-5,
            "{body}"
        );
        // At the corners only one position covers the pixel, and the weight is the loss of probability at this position.
        for (row, column) in [(0, 0), (0, 47), (47, 0), (47, 47)] {
            let patch = occluded(&file, row.min(40), column.min(40));
            let lost = whole - probability(patch, label).await;
            let weight = body["weights"][row][column].as_f64().unwrap();
            assert!(
                (weight - lost).abs() < 1e-5,
                "{label} {row} {column}: {weight} {lost}"
            );
        }
        let flat: Vec<&Value> = body["weights"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|row| row.as_array().unwrap())
            .collect();
        assert!(flat.iter().any(|weight| **weight != json!(0.0)));
    }
}

#[actix_web::test]
async fn explain_accepts_all_bodies_and_model_sizes() {
    let app = TestApp::spawn();
    let raw = send(app.explain("", face("fear"))).await;
    let part = multipart::Part::bytes(face("fear")).file_name("face");
    let form = multipart::Form::new().part("image", part);
    let form = send(app.client.post(app.url("/v1/explain")).multipart(form)).await;
    let images = json!({"images": [BASE64_STANDARD.encode(face("fear"))]});
    let text = send(app.client.post(app.url("/v1/explain")).json(&images)).await;
    assert_eq!(raw.0, 200, "{}", raw.1);
    assert!(raw == form && raw == text);
    for (model, side) in [("tiny", 32), ("keras", 48)] {
        let (status, body) =
            send(app.explain(&format!("?model={model}&version=1"), face("fear"))).await;
        assert_eq!(
            (status, &body["model"], &body["version"]),
            (200, &json!(model), &json!("1"))
        );
        assert_eq!(body["size"], json!([side, side]));
        assert_eq!(body["weights"].as_array().unwrap().len(), side);
    }
}

#[actix_web::test]
async fn explain_returns_png_on_request() {
    let app = TestApp::spawn();
    let by_query = app.explain("?format=png", face("happy"));
    let by_header = app.explain("", face("happy")).header("accept", "image/*");
    let mut files = Vec::new();
    for request in [by_query, by_header] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "image/png");
        files.push(response.bytes().await.unwrap());
    }
    assert_eq!(files[0], files[1]);
    let image = decode(&files[0], &Limits::default()).unwrap();
    assert_eq!((image.width(), image.height()), (480, 480));
    // The query has priority over the header.
    let json = app
        .explain("?format=json", face("happy"))
        .header("accept", "image/png");
    assert_eq!(send(json).await.0, 200);
    let neither = app
        .explain("", face("happy"))
        .header("accept", "image/webp");
    assert_problem(neither.send().await.unwrap(), 406, "not_acceptable").await;
}

#[actix_web::test]
async fn invalid_explanations_are_rejected() {
    let app = TestApp::spawn();
    let unknown = app
        .explain("?label=bored", face("happy"))
        .send()
        .await
        .unwrap();
    let body = assert_problem(unknown, 400, "invalid_request").await;
    let detail = body["detail"].as_str().unwrap();
    assert!(
        detail.contains("`bored`") && detail.contains("angry, disgust, fear"),
        "{detail}"
    );

    let images = vec![BASE64_STANDARD.encode(face("happy")); 2];
    let two = app
        .client
        .post(app.url("/v1/explain"))
        .json(&json!({ "images": images }));
    let body = assert_problem(two.send().await.unwrap(), 400, "invalid_request").await;
    assert!(
        body["detail"].as_str().unwrap().contains("2 images"),
        "{body}"
    );

    for (query, body, status, code) in [
        ("", b"not an image".to_vec(), 400, "invalid_image"),
        ("?format=gif", face("happy"), 400, "invalid_request"),
        ("?top_k=1", face("happy"), 400, "invalid_request"),
        ("?model=nope", face("happy"), 404, "unknown_model"),
        ("?version=9", face("happy"), 404, "unknown_version"),
    ] {
        assert_problem(app.explain(query, body).send().await.unwrap(), status, code).await;
    }
    let get = app.get("/v1/explain").await;
    assert_eq!(get.headers()["allow"], "POST");
    assert_problem(get, 405, "method_not_allowed").await;
    let invalid =
        "mien_images_total{model=\"small\",outcome=\"invalid\",priority=\"live\",version=\"1\"}";
    assert_eq!(app.metric(invalid).await, 1.0);
}
