//! Identifiers of traces in log lines.

use std::io::BufRead;

use reqwest::Client;
use serde_json::Value;

use super::{Server, mien};
use crate::traces::{TRACE_ID, traceparent};

#[actix_web::test]
async fn log_lines_have_identifiers_of_trace() {
    let mut command = mien();
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    let mut server = Server::spawn(command, &[], "cpu");
    let request = Client::new().get(server.url("/v1/models/small"));
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
