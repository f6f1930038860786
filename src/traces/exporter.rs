//! The OTLP exporter. It counts exported spans and logs when the collector becomes unreachable or reachable.

use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter, WithExportConfig, WithTonicConfig,
    tonic_types::transport::ClientTlsConfig,
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
            SpanExporter::builder()
                .with_http()
                .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
                .with_endpoint(&options.endpoint)
                .build()
        }
    };
    Ok(exporter?)
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
