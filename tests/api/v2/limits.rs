//! Limits of requests: images, bytes, decompressed bytes, deadline, queue.

use std::time::Duration;

use reqwest::Body;
use serde_json::{Value, json};

use super::{errors::error_of, faces};
use crate::helpers::TestApp;

#[actix_web::test]
async fn oversized_requests_return_413() {
    let app = TestApp::spawn_with(&["--max-images=2"]);
    let error = error_of(
        app.infer("small").json(&faces(&["happy", "sad", "fear"])),
        413,
    )
    .await;
    assert!(error.contains("the maximum is 2"), "{error}");
    // The number of images is taken from the shape before memory is allocated.
    let mut request = faces(&["happy"]);
    request["inputs"][0]["shape"] = json!([i64::MAX, 1, 48, 48]);
    error_of(app.infer("small").json(&request), 413).await;
    let app = TestApp::spawn_with(&["--max-body=20kB"]);
    error_of(app.infer("small").body(vec![b' '; 20_001]), 413).await;
    let chunks =
        futures_util::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1000])));
    error_of(app.infer("small").body(Body::wrap_stream(chunks)), 413).await;
}

#[actix_web::test]
async fn limit_applies_to_decompressed_body() {
    use std::io::Write;
    let app = TestApp::spawn_with(&["--max-body=20kB"]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![b' '; 10_000_000]).unwrap();
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 20_000);
    let compressed = |encoding: &str, body: Vec<u8>| {
        app.infer("small")
            .header("content-encoding", encoding)
            .body(body)
    };
    error_of(compressed("gzip", bomb), 413).await;
    error_of(compressed("gzip", b"not gzip".to_vec()), 400).await;
    error_of(compressed("deflate", b"not zlib".to_vec()), 400).await;
    error_of(compressed("br", Vec::new()), 415).await;
}

#[actix_web::test]
async fn deadline_comes_from_header_or_parameter() {
    // The worker waits longer for a full batch than the client waits for its response.
    let app = TestApp::spawn_with(&["--max-queue-delay=500ms", "--instances=1"]);
    let mut request = faces(&["happy"]);
    request["parameters"] = json!({ "timeout": 20_000 });
    error_of(app.infer("small").json(&request), 504).await;
    let request = app.infer("small").json(&faces(&["happy"]));
    error_of(request.header("x-request-timeout-ms", "20"), 504).await;
    let request = app.infer("small").json(&faces(&["happy"]));
    error_of(request.header("x-request-timeout-ms", "soon"), 400).await;
    app.until_metric(
        "mien_images_total{model=\"small\",outcome=\"expired\",priority=\"live\",version=\"1\"}",
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
    app.until_metric("mien_queue_images{model=\"small\",priority=\"live\"}", 1.0)
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
