//! `POST /v1/explain`: what a client finds out by covering the face itself, in one request.

use actix_web::rt;
use base64::{Engine, prelude::BASE64_STANDARD};
use mien_faces::image::{Face, Limits, decode};
use reqwest::{RequestBuilder, multipart};
use serde_json::{Value, json};

use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, answer, assert_problem, face},
};

/// One explanation at a time, held in the queue: its first 16 images wait for a batch of 128.
const HELD: [&str; 4] = [
    "--max-explanations=1",
    "--max-batch=128",
    "--max-queue-delay=60s",
    "--instances=1",
];
const WAITING: &str = "mien_queue_images{model=\"small\"}";

impl TestApp {
    fn explain(&self, query: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.client
            .post(self.url(&format!("/v1/explain{query}")))
            .body(body)
    }
}

/// A picture as the small model sees it.
fn pixels(file: &[u8]) -> Vec<u8> {
    decode(file, &Limits::default())
        .unwrap()
        .to_face(48)
        .pixels()
        .to_vec()
}

/// A face with a square of 8 pixels covered by its mean gray.
fn covered(file: &[u8], top: usize, left: usize) -> Vec<u8> {
    let mut pixels = pixels(file);
    let sum: f64 = pixels.iter().copied().map(f64::from).sum();
    let fill = (sum / 2304.0).round() as u8;
    for row in top..top + 8 {
        pixels[row * 48 + left..row * 48 + left + 8].fill(fill);
    }
    Face::new(48, pixels).unwrap().png()
}

#[actix_web::test]
async fn the_document_has_its_shape() {
    let app = TestApp::spawn();
    let (status, body) = answer(app.explain("", face("happy"))).await;
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
async fn weights_are_what_a_client_measures_with_a_covered_face() {
    let app = TestApp::spawn();
    let file = face("sad");
    let probability = async |file: Vec<u8>, label: &str| {
        let (_, body) = answer(app.classify("", file)).await;
        body["predictions"][0]["probabilities"][label]
            .as_f64()
            .unwrap()
    };
    let (_, top) = answer(app.explain("", file.clone())).await;
    let (_, named) = answer(app.explain("?label=disgust", file.clone())).await;
    assert_eq!(named["label"], "disgust");
    for body in [top, named] {
        let label = body["label"].as_str().unwrap();
        let whole = probability(file.clone(), label).await;
        assert!(
            (body["probability"].as_f64().unwrap() - whole).abs() < 1e-5,
            "{body}"
        );
        // At the corners the patch has one place alone, and the weight is what is lost there.
        for (row, column) in [(0, 0), (0, 47), (47, 0), (47, 47)] {
            let patch = covered(&file, row.min(40), column.min(40));
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
async fn any_body_of_one_picture_and_models_of_any_size_are_taken() {
    let app = TestApp::spawn();
    let raw = answer(app.explain("", face("fear"))).await;
    let part = multipart::Part::bytes(face("fear")).file_name("face");
    let form = multipart::Form::new().part("image", part);
    let form = answer(app.client.post(app.url("/v1/explain")).multipart(form)).await;
    let images = json!({"images": [BASE64_STANDARD.encode(face("fear"))]});
    let text = answer(app.client.post(app.url("/v1/explain")).json(&images)).await;
    assert_eq!(raw.0, 200, "{}", raw.1);
    assert!(raw == form && raw == text);
    for (model, side) in [("tiny", 32), ("keras", 48)] {
        let (status, body) =
            answer(app.explain(&format!("?model={model}&version=1"), face("fear"))).await;
        assert_eq!(
            (status, &body["model"], &body["version"]),
            (200, &json!(model), &json!("1"))
        );
        assert_eq!(body["size"], json!([side, side]));
        assert_eq!(body["weights"].as_array().unwrap().len(), side);
    }
}

#[actix_web::test]
async fn a_picture_comes_to_whoever_asks_for_one() {
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
    let picture = decode(&files[0], &Limits::default()).unwrap();
    assert_eq!((picture.width(), picture.height()), (480, 480));
    // The query goes before the header.
    let json = app
        .explain("?format=json", face("happy"))
        .header("accept", "image/png");
    assert_eq!(answer(json).await.0, 200);
    let neither = app
        .explain("", face("happy"))
        .header("accept", "image/webp");
    assert_problem(neither.send().await.unwrap(), 406, "not_acceptable").await;
}

#[actix_web::test]
async fn what_cannot_be_explained_is_refused() {
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
        ("", b"no picture".to_vec(), 400, "invalid_image"),
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
    let invalid = "mien_images_total{model=\"small\",outcome=\"invalid\"}";
    assert_eq!(app.metric(invalid).await, 1.0);
}

#[actix_web::test]
async fn the_cost_is_bounded_and_seen_in_the_metrics() {
    let app = TestApp::spawn();
    assert_eq!(answer(app.explain("", face("happy"))).await.0, 200);
    assert_eq!(
        app.metric("mien_images_total{model=\"small\",outcome=\"ok\"}")
            .await,
        122.0
    );
    // Nobody asked what is on these faces.
    for label in [
        "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
    ] {
        let series = format!("mien_predictions_total{{label=\"{label}\",model=\"small\"}}");
        assert_eq!(app.metric(&series).await, 0.0);
    }
    let requests = "mien_http_requests_total{method=\"POST\",route=\"/v1/explain\",status=\"200\"}";
    assert_eq!(app.metric(requests).await, 1.0);
}

#[actix_web::test]
async fn more_than_a_few_at_once_are_refused_and_clients_that_hang_up_make_room() {
    let app = TestApp::spawn_with(&HELD);
    let first = rt::spawn(answer(app.explain("", face("happy"))));
    app.until(WAITING, 16.0).await;
    let second = app.explain("", face("sad")).send().await.unwrap();
    assert_eq!(second.headers()["retry-after"], "1");
    assert_problem(second, 503, "overloaded").await;

    // Each that hangs up leaves its turn to the next, and its images to whoever needs their place: the fifth.
    let mut asking = first;
    for place in 2..=5 {
        asking.abort();
        asking = rt::spawn(until_taken(app.explain("", face("sad"))));
        let waiting = if place == 5 { 16 } else { 16 * place };
        app.until(WAITING, f64::from(waiting)).await;
    }
    assert_eq!(
        app.metric("mien_images_total{model=\"small\",outcome=\"cancelled\"}")
            .await,
        64.0
    );
    asking.abort();
}

/// Sends a request again until it is not refused.
async fn until_taken(request: RequestBuilder) -> (u16, Value) {
    eventually(TIMEOUT, "the request is accepted", async || {
        let answer = answer(request.try_clone().unwrap()).await;
        (answer.0 != 503).then_some(answer)
    })
    .await
}

#[actix_web::test]
async fn a_deadline_passes_in_the_middle() {
    let app = TestApp::spawn_with(&HELD);
    let late = app
        .explain("", face("happy"))
        .header("x-request-timeout-ms", "50");
    assert_problem(late.send().await.unwrap(), 504, "deadline_exceeded").await;
    // Its turn is given back.
    let late = app
        .explain("", face("happy"))
        .header("x-request-timeout-ms", "50");
    assert_problem(late.send().await.unwrap(), 504, "deadline_exceeded").await;
}
