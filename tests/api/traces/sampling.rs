//! Which requests are traced.

use super::{Collector, TRACE_ID, server_span, spawn, traceparent};
use crate::helpers::face;

#[actix_web::test]
async fn client_decides_whether_request_is_sampled() {
    let collector = Collector::grpc().await;
    let mut app = spawn(&collector, &[]);
    let request = app.classify("", face("happy"));
    let request = request.header("traceparent", traceparent("00"));
    let response = request.send().await.unwrap();
    let traceresponse = response.headers()["traceresponse"].to_str().unwrap();
    assert!(
        traceresponse.starts_with(&format!("00-{TRACE_ID}-")),
        "{traceresponse}"
    );
    assert!(traceresponse.ends_with("-00"), "{traceresponse}");
    app.stop_and_wait().await;
    assert!(collector.spans().is_empty());
}

#[actix_web::test]
async fn sampler_selects_requests_without_decision_of_client() {
    let collector = Collector::grpc().await;
    let mut app = spawn(&collector, &["--traces-sampler=parentbased_always_off"]);
    app.assert_classifies().await;
    let request = app.classify("", face("happy"));
    let request = request.header("traceparent", traceparent("01"));
    assert_eq!(request.send().await.unwrap().status(), 200);
    app.stop_and_wait().await;
    let spans = collector.spans();
    assert_eq!(server_span(&spans, "POST /v1/classify").trace_id, TRACE_ID);
    assert!(spans.iter().all(|span| span.trace_id == TRACE_ID));
}

#[actix_web::test]
async fn invalid_traceparent_is_ignored() {
    let collector = Collector::grpc().await;
    let mut app = spawn(&collector, &[]);
    let request = app.classify("", face("happy"));
    let invalid = format!("00-{TRACE_ID}-0000000000000000-01");
    let response = request.header("traceparent", invalid).send().await;
    assert_eq!(response.unwrap().status(), 200);
    app.stop_and_wait().await;
    let spans = collector.spans();
    let server = server_span(&spans, "POST /v1/classify");
    assert_ne!(server.trace_id, TRACE_ID);
    assert_eq!(server.parent, "");
}

#[actix_web::test]
async fn probes_are_not_traced() {
    let collector = Collector::grpc().await;
    let mut app = spawn(&collector, &[]);
    for path in ["/health/live", "/health/ready", "/metrics"] {
        let response = app.get(path).await;
        assert!(!response.headers().contains_key("traceresponse"), "{path}");
    }
    app.stop_and_wait().await;
    assert!(collector.spans().is_empty());
}
