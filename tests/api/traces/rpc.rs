//! Traces of gRPC calls.

use futures_util::{StreamExt, stream};
use tonic::Request;

use super::{CLIENT_SPAN, Collector, ReceivedSpan, TRACE_ID, server_span, steps, traceparent};
use crate::grpc::{Client, faces, serve};

const INFER: &str = "inference.GRPCInferenceService/ModelInfer";

#[actix_web::test]
async fn model_infer_exports_spans_of_its_steps() {
    let collector = Collector::grpc().await;
    let (mut app, channel) = serve(&[&collector.endpoint(), "--otlp-protocol=grpc"]).await;
    let mut request = Request::new(faces(&["happy", "sad"]));
    let parent = traceparent("01").parse().unwrap();
    request.metadata_mut().insert("traceparent", parent);
    let response = Client::new(channel).model_infer(request).await.unwrap();
    let traceresponse = response.metadata().get("traceresponse").unwrap().clone();
    app.stop_and_wait().await;

    let spans = collector.spans();
    let server = server_span(&spans, INFER);
    let expected = format!("00-{TRACE_ID}-{}-01", server.id);
    assert_eq!(traceresponse.to_str().unwrap(), expected);
    assert_eq!(
        (server.trace_id.as_str(), server.parent.as_str()),
        (TRACE_ID, CLIENT_SPAN)
    );
    assert!(server.is_server && !server.has_error);
    for (key, value) in [
        ("rpc.system.name", "grpc"),
        ("rpc.method", INFER),
        ("rpc.response.status_code", "OK"),
    ] {
        assert_eq!(server.get(key), value, "{key}");
    }
    let steps = steps(&spans);
    assert_eq!((steps[0], steps[1]), ("read", "queue"));
    assert!(steps.contains(&"inference") && steps.contains(&"postprocess"));
}

#[actix_web::test]
async fn each_message_of_stream_has_span() {
    let collector = Collector::grpc().await;
    let (mut app, channel) = serve(&[&collector.endpoint(), "--otlp-protocol=grpc"]).await;
    let requests = stream::iter([faces(&["happy"]), faces(&["sad"])]);
    let responses = Client::new(channel).model_stream_infer(requests).await;
    let responses = responses.unwrap().into_inner();
    assert_eq!(responses.map(Result::unwrap).count().await, 2);
    app.stop_and_wait().await;

    let spans = collector.spans();
    let server = spans.iter().find(|span| span.is_server).unwrap();
    let messages: Vec<_> = spans.iter().filter(|span| span.name == "message").collect();
    assert_eq!(messages.len(), 2);
    for message in messages {
        assert_eq!(message.parent, server.id);
        let is_step = |span: &&ReceivedSpan| span.parent == message.id && span.name == "inference";
        assert_eq!(spans.iter().filter(is_step).count(), 1);
    }
}

#[actix_web::test]
async fn failed_call_has_code_in_span() {
    let collector = Collector::grpc().await;
    let (mut app, channel) = serve(&[&collector.endpoint(), "--otlp-protocol=grpc"]).await;
    let mut request = faces(&["happy"]);
    request.model_name = "nope".to_owned();
    Client::new(channel).model_infer(request).await.unwrap_err();
    app.stop_and_wait().await;

    let spans = collector.spans();
    let server = server_span(&spans, INFER);
    assert_eq!(server.get("rpc.response.status_code"), "NOT_FOUND");
    assert!(!server.has_error, "the client caused the error");
}
