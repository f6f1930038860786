//! Traces of a server process: log lines and the variables of the exporter.

use std::{fs, io::BufRead};

use serde_json::Value;

use super::{Server, mien};
use crate::{
    helpers::http_client,
    tls::certificates::Authority,
    traces::{TRACE_ID, collector::Collector, traceparent},
};

#[actix_web::test]
async fn log_lines_have_identifiers_of_trace() {
    let mut command = mien();
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    let mut server = Server::spawn(command, &[], "cpu");
    let request = http_client().get(server.url("/v1/models/small"));
    let request = request.header("traceparent", traceparent("01"));
    let response = request.send().await.unwrap();
    let traceresponse = response.headers()["traceresponse"].to_str().unwrap();
    let span_id = traceresponse.split('-').nth(2).unwrap();
    let lines = server.log.take().unwrap().lines();
    let events = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let mut requests = events.filter(|event| event["message"] == "request finished");
    let event = requests.next().unwrap();
    assert_eq!(event["span"]["trace_id"], TRACE_ID, "{event}");
    assert_eq!(event["span"]["span_id"], span_id, "{event}");
}

#[actix_web::test]
async fn certificate_of_collector_is_verified() {
    let authority = Authority::new();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("authorities.pem");
    let identity = authority.issue("localhost");
    for (authorities, protocol, is_trusted) in [
        (&authority.certificate, "grpc", true),
        (&Authority::new().certificate, "grpc", false),
        (&authority.certificate, "http/protobuf", true),
        (&Authority::new().certificate, "http/protobuf", false),
    ] {
        let collector = match protocol {
            "grpc" => Collector::grpc_with_tls(&identity).await,
            _ => Collector::http().behind_tls(&identity).await,
        };
        fs::write(&file, authorities).unwrap();
        let mut command = mien();
        command
            .env("SSL_CERT_FILE", &file)
            .env("OTEL_SERVICE_NAME", "faces")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        let server = Server::spawn(command, &["--drain-delay=0s"], "cpu");
        let response = http_client().get(server.url("/v1/models/small")).send();
        assert_eq!(response.await.unwrap().status(), 200);
        server.terminate();
        assert_eq!(server.end().await, Some(0));
        let spans = collector.spans();
        assert_eq!(!spans.is_empty(), is_trusted, "{protocol}");
        assert!(
            spans
                .iter()
                .all(|span| span.resource["service.name"] == "faces")
        );
    }
}

#[actix_web::test]
async fn export_over_http_does_not_need_authorities() {
    let collector = Collector::http();
    let mut command = mien();
    command
        .env("SSL_CERT_FILE", "/dev/null")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url());
    let server = Server::spawn(command, &["--drain-delay=0s"], "cpu");
    let response = http_client().get(server.url("/v1/models/small")).send();
    assert_eq!(response.await.unwrap().status(), 200);
    server.terminate();
    assert_eq!(server.end().await, Some(0));
    assert!(!collector.spans().is_empty());
}
