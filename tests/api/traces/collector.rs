//! A collector that stores the spans that it receives, over gRPC or HTTP.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::{Arc, Mutex},
};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, http::header, rt, web};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span, span::SpanKind},
};
use prost::Message;
use tokio::{io::copy_bidirectional, net::TcpStream};
use tonic::{
    Request, Response, Status,
    transport::{Identity, Server, ServerTlsConfig, server::TcpIncoming},
};

use crate::tls::certificates;

/// A span as the collector received it. Identifiers are hexadecimal.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedSpan {
    pub(crate) name: String,
    pub(crate) is_server: bool,
    pub(crate) trace_id: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) has_error: bool,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) resource: BTreeMap<String, String>,
}

impl ReceivedSpan {
    fn new(span: Span, resource: &BTreeMap<String, String>) -> Self {
        Self {
            is_server: span.kind() == SpanKind::Server,
            trace_id: hex::encode(&span.trace_id),
            id: hex::encode(&span.span_id),
            parent: hex::encode(&span.parent_span_id),
            start: span.start_time_unix_nano,
            end: span.end_time_unix_nano,
            has_error: span.status.is_some_and(|status| status.code == 2),
            attributes: texts(span.attributes),
            resource: resource.clone(),
            name: span.name,
        }
    }

    /// Returns the value of an attribute, or an empty string.
    pub(crate) fn get(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }
}

/// Returns attributes with their values as text.
fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |attribute: KeyValue| {
        let value = attribute.value.unwrap().value.unwrap();
        let text = if let Value::IntValue(number) = value {
            number.to_string()
        } else if let Value::StringValue(text) = value {
            text
        } else {
            panic!("{value:?}")
        };
        (attribute.key, text)
    };
    attributes.into_iter().map(text).collect()
}

type Spans = Arc<Mutex<Vec<ReceivedSpan>>>;

/// Stores the spans of a request.
fn store(spans: &Spans, request: ExportTraceServiceRequest) {
    for resource_spans in request.resource_spans {
        let resource = texts(resource_spans.resource.unwrap().attributes);
        let received = resource_spans.scope_spans.into_iter();
        let received = received.flat_map(|scope| scope.spans);
        let received = received.map(|span| ReceivedSpan::new(span, &resource));
        spans.lock().unwrap().extend(received);
    }
}

/// A running collector.
pub(crate) struct Collector {
    url: String,
    spans: Spans,
    http: Option<ServerHandle>,
}

impl Collector {
    /// Starts a collector for gRPC.
    pub(crate) async fn grpc() -> Self {
        Self::serve_grpc("http://127.0.0.1", Server::builder()).await
    }

    /// Starts a collector for gRPC with TLS on `localhost`.
    pub(crate) async fn grpc_with_tls(identity: &certificates::Identity) -> Self {
        let identity = Identity::from_pem(&identity.certificate, &identity.key);
        let tls = ServerTlsConfig::new().identity(identity);
        let server = Server::builder().tls_config(tls).unwrap();
        Self::serve_grpc("https://localhost", server).await
    }

    async fn serve_grpc(origin: &str, mut server: Server) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let spans = Spans::default();
        let service = TraceServiceServer::new(Service(Arc::clone(&spans)));
        let server = server.add_service(service);
        rt::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Self {
            url: format!("{origin}:{port}"),
            spans,
            http: None,
        }
    }

    /// Starts a collector for `http/protobuf`.
    pub(crate) fn http() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let spans = Spans::default();
        let stored = Arc::clone(&spans);
        let export = move |body: web::Bytes| {
            store(&stored, ExportTraceServiceRequest::decode(body).unwrap());
            let response = ExportTraceServiceResponse::default().encode_to_vec();
            let content_type = (header::CONTENT_TYPE, "application/x-protobuf");
            let response = HttpResponse::Ok()
                .insert_header(content_type)
                .body(response);
            async { response }
        };
        let app = move || App::new().route("/v1/traces", web::post().to(export.clone()));
        let server = HttpServer::new(app).workers(1).disable_signals();
        let server = server.listen(listener).unwrap().run();
        let http = Some(server.handle());
        rt::spawn(server);
        let url = format!("http://127.0.0.1:{port}");
        Self { url, spans, http }
    }

    /// Accepts TLS connections on `localhost` for the collector.
    pub(crate) async fn behind_tls(mut self, identity: &certificates::Identity) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = self.url.trim_start_matches("http://").to_owned();
        let acceptor = identity.acceptor();
        rt::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                // A client that does not trust the certificate ends the handshake.
                let Ok(mut client) = acceptor.accept(client).await else {
                    continue;
                };
                let mut server = TcpStream::connect(&address).await.unwrap();
                rt::spawn(async move {
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        self.url = format!("https://localhost:{port}");
        self
    }

    /// Returns the flag with the URL of the collector.
    pub(crate) fn endpoint(&self) -> String {
        format!("--otlp-endpoint={}", self.url)
    }

    /// Returns the URL of the collector.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the spans that were received until now.
    pub(crate) fn spans(&self) -> Vec<ReceivedSpan> {
        self.spans.lock().unwrap().clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(http) = &self.http {
            drop(http.stop(false));
        }
    }
}

struct Service(Spans);

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        store(&self.0, request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
