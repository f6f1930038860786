//! Traces of HTTP requests.

use reqwest::multipart::{Form, Part};

use super::{CLIENT_SPAN, Collector, TRACE_ID, server_span, spawn, steps, traceparent};
use crate::{
    faces::{DETECTOR, composite},
    helpers::{assert_problem, face},
    v2::gray,
};

#[actix_web::test]
async fn classification_exports_spans_of_its_steps() {
    let collector = Collector::grpc().await;
    let mut app = spawn(&collector, &[]);
    let request = app.classify("", face("happy"));
    let request = request
        .header("traceparent", traceparent("01"))
        .header("x-request-id", "mine")
        .header("user-agent", "a".repeat(300));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let traceresponse = response.headers()["traceresponse"].to_str().unwrap();
    let traceresponse = traceresponse.to_owned();
    app.stop_and_wait().await;

    let spans = collector.spans();
    let server = server_span(&spans, "POST /v1/classify");
    assert_eq!(traceresponse, format!("00-{TRACE_ID}-{}-01", server.id));
    assert_eq!(
        (server.trace_id.as_str(), server.parent.as_str()),
        (TRACE_ID, CLIENT_SPAN)
    );
    assert!(server.is_server && !server.has_error);
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/v1/classify"),
        ("http.response.status_code", "200"),
        ("url.path", "/v1/classify"),
        ("url.scheme", "http"),
        ("network.protocol.version", "1.1"),
        ("mien.request.id", "mine"),
        ("user_agent.original", &"a".repeat(256)),
        ("error.type", ""),
    ] {
        assert_eq!(server.get(key), value, "{key}");
    }
    assert_eq!(server.resource["service.name"], "mien");
    assert_eq!(
        server.resource["service.version"],
        env!("CARGO_PKG_VERSION")
    );

    let expected = ["read", "decode", "queue", "inference", "postprocess"];
    assert_eq!(steps(&spans), expected);
    let inference = spans.iter().find(|span| span.name == "inference").unwrap();
    for (key, value) in [
        ("mien.model.name", "small"),
        ("mien.model.version", "1"),
        ("mien.engine", "onnxruntime"),
        ("mien.precision", "fp32"),
        ("mien.batch.size", "1"),
    ] {
        assert_eq!(inference.get(key), value, "{key}");
    }
}

#[actix_web::test]
async fn request_of_many_batches_has_span_per_batch() {
    let collector = Collector::grpc().await;
    let mut app = spawn(&collector, &["--max-batch=2", "--instances=1"]);
    let images = vec![face("happy"); 4];
    let response = app.classify_many("", images).send().await.unwrap();
    assert_eq!(response.status(), 200);
    app.stop_and_wait().await;

    let spans = collector.spans();
    server_span(&spans, "POST /v1/classify");
    let batches = spans.iter().filter(|span| span.name == "inference");
    let sizes: Vec<u64> = batches
        .map(|span| span.get("mien.batch.size").parse().unwrap())
        .collect();
    assert_eq!(sizes.iter().sum::<u64>(), 4, "{sizes:?}");
    assert!(sizes.len() >= 2, "{sizes:?}");
    let read = spans.iter().find(|span| span.name == "read").unwrap();
    assert_eq!(read.get("mien.request.images"), "4");
}

#[actix_web::test]
async fn failed_requests_have_their_status() {
    let collector = Collector::grpc().await;
    let mut app = spawn(&collector, &[]);
    let response = app.classify("", b"not an image".to_vec()).send().await;
    assert_problem(response.unwrap(), 400, "invalid_image").await;
    let path = format!("/{}", "x".repeat(1000));
    assert_eq!(app.get(&path).await.status(), 404);
    app.stop_and_wait().await;

    let spans = collector.spans();
    let classify = spans.iter().find(|span| span.name == "POST /v1/classify");
    let classify = classify.unwrap();
    assert_eq!(classify.get("http.response.status_code"), "400");
    assert!(!classify.has_error, "the client caused the error");
    let unmatched = spans.iter().find(|span| span.name == "GET").unwrap();
    assert_eq!(unmatched.get("http.response.status_code"), "404");
    assert_eq!(unmatched.get("url.path").len(), 256);
    assert_eq!(unmatched.get("http.route"), "");
}

#[actix_web::test]
async fn v2_request_exports_spans_of_its_steps() {
    let collector = Collector::grpc().await;
    let mut app = spawn(&collector, &[]);
    let request = app.client.post(app.url("/v2/models/small/infer"));
    let request = request.header("inference-header-content-length", 0);
    let response = request.body(gray("happy")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    app.stop_and_wait().await;

    let spans = collector.spans();
    server_span(&spans, "POST /v2/models/{model}/infer");
    let expected = [
        "read",
        "parse",
        "queue",
        "inference",
        "postprocess",
        "serialize",
    ];
    assert_eq!(steps(&spans), expected);
}

#[actix_web::test]
async fn analysis_exports_spans_of_its_steps() {
    let collector = Collector::grpc().await;
    let mut app = spawn(&collector, &[DETECTOR]);
    let file = Part::bytes(composite(&[("happy", 60, 100, 200)])).file_name("photo.png");
    let request = app.client.post(app.url("/analyze"));
    let response = request.multipart(Form::new().part("img", file)).send();
    assert_eq!(response.await.unwrap().status(), 200);
    app.stop_and_wait().await;

    let spans = collector.spans();
    server_span(&spans, "POST /analyze");
    let mut steps = steps(&spans);
    assert_eq!(steps.first(), Some(&"read"));
    assert_eq!(steps.last(), Some(&"postprocess"));
    steps.sort_unstable();
    let expected = [
        "crop",
        "decode",
        "inference",
        "inference",
        "postprocess",
        "queue",
        "queue",
        "read",
    ];
    assert_eq!(steps, expected, "the detector also has a queue");
}
