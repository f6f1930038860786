//! Export of spans to collectors that work and to collectors that do not.

use std::net::TcpListener;

use super::{Collector, server_span, steps};
use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, settings, startup_error},
};

/// Number of requests whose server spans fill one batch of an export.
const BATCH: usize = 512;

#[actix_web::test]
async fn spans_are_exported_over_http() {
    let collector = Collector::http();
    let mut app = TestApp::spawn_with(&[&collector.endpoint()]);
    app.assert_classifies().await;
    app.stop_and_wait().await;
    let spans = collector.spans();
    server_span(&spans, "POST /v1/classify");
    assert_eq!(steps(&spans).len(), 5);
}

#[actix_web::test]
async fn exported_spans_are_counted() {
    let collector = Collector::grpc().await;
    let app = TestApp::spawn_with(&[&collector.endpoint(), "--otlp-protocol=grpc"]);
    for _ in 0..BATCH {
        app.get("/v1/models/small").await;
    }
    let exported = "mien_trace_spans_total{outcome=\"exported\"}";
    app.until_metric(exported, BATCH as f64).await;
    assert_eq!(collector.spans().len(), BATCH);
}

#[actix_web::test]
async fn unreachable_collector_does_not_fail_requests() {
    // The closed address refuses connections. The silent one accepts them and does not respond.
    let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (listener, silent_listener) = (bind(), bind());
    let closed = listener.local_addr().unwrap();
    let silent = silent_listener.local_addr().unwrap();
    drop(listener);
    for (address, protocol) in [
        (closed, "grpc"),
        (closed, "http/protobuf"),
        (silent, "grpc"),
    ] {
        let endpoint = format!("--otlp-endpoint=http://{address}");
        let protocol = format!("--otlp-protocol={protocol}");
        let mut app = TestApp::spawn_with(&[&endpoint, &protocol]);
        for _ in 0..BATCH {
            app.get("/v1/models/small").await;
        }
        app.assert_classifies().await;
        if address == closed {
            let failed = "mien_trace_spans_total{outcome=\"failed\"}";
            eventually(TIMEOUT, "spans failed", async || {
                (app.metric(failed).await > 0.0).then_some(())
            })
            .await;
        }
        app.stop_and_wait().await;
    }
}

#[actix_web::test]
async fn server_without_collector_does_not_trace_requests() {
    let app = TestApp::spawn();
    let response = app.get("/v1/models/small").await;
    assert!(!response.headers().contains_key("traceresponse"));
    let metrics = app.get("/metrics").await.text().await.unwrap();
    assert!(!metrics.contains("mien_trace_spans_total"), "{metrics}");
}

#[actix_web::test]
async fn invalid_endpoint_is_rejected_at_start() {
    let error = startup_error(&settings(&["--otlp-endpoint=collector:4317"])).await;
    let expected = "--otlp-endpoint `collector:4317` is not a URL such as http://localhost:4318";
    assert_eq!(error, expected);
}
