//! Exemplars of request durations in OpenMetrics.

use tonic::Request;

use super::{Collector, TRACE_ID, traceparent};
use crate::{
    grpc::{Client, faces, serve},
    helpers::{TestApp, face},
};

/// Returns the lines of the metrics that name the trace.
async fn exemplars(app: &TestApp) -> Vec<String> {
    let request = app.client.get(app.url("/metrics"));
    let request = request.header("accept", "application/openmetrics-text");
    let text = request.send().await.unwrap().text().await.unwrap();
    let lines = text.lines().filter(|line| line.contains(TRACE_ID));
    lines.map(str::to_owned).collect()
}

#[actix_web::test]
async fn bucket_of_sampled_request_has_exemplar() {
    let collector = Collector::grpc().await;
    let app = super::spawn(&collector, &[]);
    for (flags, count) in [("00", 0), ("01", 1), ("01", 1)] {
        let request = app.classify("", face("happy"));
        let request = request.header("traceparent", traceparent(flags));
        let response = request.send().await.unwrap();
        let traceresponse = response.headers()["traceresponse"].to_str().unwrap();
        let span = traceresponse.split('-').nth(2).unwrap().to_owned();
        let lines = exemplars(&app).await;
        // Two requests can have different buckets.
        let current: Vec<_> = lines.iter().filter(|line| line.contains(&span)).collect();
        assert_eq!(current.len(), count, "{lines:?}");
        if let [line] = current[..] {
            let series = "mien_http_request_duration_seconds_bucket{route=\"/v1/classify\",status_class=\"2xx\",le=";
            assert!(line.starts_with(series), "{line}");
            let labels = format!("# {{trace_id=\"{TRACE_ID}\",span_id=\"{span}\"}} ");
            assert!(line.contains(&labels), "{line}");
        }
    }
    let text = app.get("/metrics").await.text().await.unwrap();
    assert!(!text.contains(TRACE_ID));
}

#[actix_web::test]
async fn bucket_of_sampled_call_has_exemplar() {
    let collector = Collector::grpc().await;
    let (app, channel) = serve(&[&collector.endpoint(), "--otlp-protocol=grpc"]).await;
    let mut request = Request::new(faces(&["happy"]));
    let parent = traceparent("01").parse().unwrap();
    request.metadata_mut().insert("traceparent", parent);
    Client::new(channel).model_infer(request).await.unwrap();
    let lines = exemplars(&app).await;
    let [line] = &lines[..] else {
        panic!("{lines:?}")
    };
    let series = "mien_grpc_request_duration_seconds_bucket{code=\"ok\",method=\"inference.GRPCInferenceService/ModelInfer\",le=";
    assert!(line.starts_with(series), "{line}");
}
