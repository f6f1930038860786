//! The OTLP exporter. It counts exported spans and logs when the collector becomes unreachable or reachable.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use opentelemetry_otlp::{
    ExporterBuildError, OTEL_EXPORTER_OTLP_TIMEOUT, OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT,
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT, SpanExporter, WithExportConfig, WithHttpConfig,
    WithTonicConfig, tonic_types::transport::ClientTlsConfig,
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{self, SpanData},
};

use super::{
    options::{Protocol, TraceOptions},
    queue::SpanQueue,
};
use crate::tls;

/// Why spans cannot be exported.
#[derive(Debug, thiserror::Error)]
#[error("cannot export traces (--otlp-endpoint): {0}")]
pub struct TraceError(#[from] ExporterBuildError);

/// Creates the exporter. It reads the variables `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_EXPORTER_OTLP_TIMEOUT`, and those for traces.
///
/// # Errors
/// Returns an error if the endpoint or a variable is invalid.
pub(super) fn build(options: &TraceOptions) -> Result<SpanExporter, TraceError> {
    let exporter = match options.protocol {
        Protocol::Grpc => {
            let builder = SpanExporter::builder().with_tonic();
            let builder = builder.with_endpoint(&options.endpoint);
            if options.endpoint.starts_with("https:") {
                let tls = ClientTlsConfig::new().with_enabled_roots();
                builder.with_tls_config(tls).build()
            } else {
                builder.build()
            }
        }
        Protocol::HttpProtobuf => {
            tls::install_crypto_provider();
            let builder = SpanExporter::builder()
                .with_http()
                .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
                .with_endpoint(&options.endpoint);
            if options.endpoint.starts_with("https:") {
                builder.build()
            } else {
                builder.with_http_client(plain_client()?).build()
            }
        }
    };
    Ok(exporter?)
}

/// Returns a client for `http` URLs. The system need not have certificates of authorities, unlike for the default client of the exporter.
///
/// # Errors
/// Returns an error if the client cannot be created.
fn plain_client() -> Result<reqwest::blocking::Client, ExporterBuildError> {
    let timeout = [
        OTEL_EXPORTER_OTLP_TRACES_TIMEOUT,
        OTEL_EXPORTER_OTLP_TIMEOUT,
    ]
    .iter()
    .find_map(|variable| std::env::var(variable).ok()?.parse().ok())
    .map_or(OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT, Duration::from_millis);
    let build = move || {
        reqwest::blocking::Client::builder()
            .timeout(timeout)
            .tls_certs_only([])
            .build()
    };
    // The constructor of a blocking client must not run on a thread of an asynchronous runtime.
    let client = thread::spawn(build)
        .join()
        .expect("the constructor does not panic");
    client.map_err(|error| ExporterBuildError::InternalFailure(error.to_string()))
}

/// An exporter that records the outcome of each batch.
#[derive(Debug)]
pub(super) struct CountingExporter {
    inner: SpanExporter,
    queue: SpanQueue,
    is_failing: AtomicBool,
}

impl CountingExporter {
    pub(super) fn new(inner: SpanExporter, queue: SpanQueue) -> Self {
        Self {
            inner,
            queue,
            is_failing: AtomicBool::new(false),
        }
    }

    /// Logs the first failure after a success, and the first success after a failure.
    fn log(&self, result: &OTelSdkResult) {
        let has_failed = self.is_failing.swap(result.is_err(), Ordering::Relaxed);
        match result {
            Err(error) if !has_failed => {
                tracing::warn!(%error, "cannot export spans; check --otlp-endpoint and --otlp-protocol");
            }
            Ok(()) if has_failed => tracing::info!("spans are exported again"),
            Ok(()) | Err(_) => {}
        }
    }
}

impl trace::SpanExporter for CountingExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.queue.remove(spans);
        let result = self.inner.export(batch).await;
        self.queue.count_export(spans, result.is_ok());
        self.log(&result);
        result
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.inner.shutdown()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
