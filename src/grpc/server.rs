//! Listens, and ends when its last request is answered.

use std::{
    io,
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::watch,
    task::JoinHandle,
};
use tonic::{
    codec::CompressionEncoding,
    transport::{self, server::TcpIncoming},
};

use super::{
    body_limit::BodyLimitLayer, connections, health::Health, inference::Inference, proto,
    proto::grpc_inference_service_server::GrpcInferenceServiceServer, request_log::Observe,
};
use crate::{
    auth::AdminAuth, intake::memory_limit::BodyMemoryLimit, metrics::Metrics, oip,
    readiness::Readiness,
};

/// Requests that one connection may have under way.
const STREAMS: u32 = 1024;

/// How often a silent connection is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// What a gRPC server works with.
pub struct Options {
    /// The inference protocol.
    pub service: Arc<oip::Service>,
    /// Whether requests should be sent here.
    pub readiness: Arc<Readiness>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Who may give orders.
    pub gate: AdminAuth,
    /// Bytes that messages and bodies may take together.
    pub bodies: BodyMemoryLimit,
    /// The most connections at a time.
    pub max_connections: usize,
    /// How long a connection may take to say what it speaks.
    pub header_timeout: Duration,
}

/// A gRPC server, on threads of its own.
pub struct Server {
    port: u16,
    stop: watch::Sender<bool>,
    /// Ends with the last request.
    served: JoinHandle<io::Result<()>>,
    /// There until it is dropped.
    runtime: Option<Runtime>,
}

impl Server {
    /// Serves from now on.
    ///
    /// # Errors
    /// When its threads cannot be started or the descriptors are broken.
    pub fn start(listener: TcpListener, options: Options) -> io::Result<Self> {
        let Options { service, readiness, metrics, gate, bodies, max_connections, header_timeout } =
            options;
        let port = listener.local_addr()?.port();
        listener.set_nonblocking(true)?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("mien-grpc")
            .enable_all()
            .build()?;
        let (stop, stopped) = watch::channel(false);
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let (max_body, body_timeout) = (service.limits().max_body, service.limits().body_timeout);
        let inference = Inference {
            service,
            readiness: Arc::clone(&readiness),
            gate,
            bodies: bodies.clone(),
            stopped: stopped.clone(),
        };
        let inference = GrpcInferenceServiceServer::new(inference)
            .max_decoding_message_size(max_body)
            .accept_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Deflate)
            .send_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Deflate);
        let router = transport::Server::builder()
            .max_concurrent_streams(STREAMS)
            .http2_keepalive_interval(Some(KEEP_ALIVE))
            .layer(Observe::new(metrics, stopped.clone()))
            .layer(BodyLimitLayer::new(bodies, body_timeout))
            .add_service(inference)
            .add_service(Health::new(readiness, stopped.clone()).service())
            .add_service(reflection().build_v1().map_err(io::Error::other)?)
            .add_service(reflection().build_v1alpha().map_err(io::Error::other)?);
        let served = runtime.spawn(async move {
            let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener)?);
            let incoming = incoming.with_nodelay(Some(true));
            let incoming = connections::limited(incoming, max_connections, header_timeout);
            let served = router.serve_with_incoming_shutdown(incoming, until(stopped));
            served.await.map_err(io::Error::other)
        });
        Ok(Self { port, stop, served, runtime: Some(runtime) })
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Takes no more connections and requests, and returns when the last request is answered or the time has come.
    pub async fn stop(mut self, last: Instant) {
        let _ = self.stop.send(true);
        match tokio::time::timeout_at(last.into(), &mut self.served).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::error!("gRPC: {error}"),
            Ok(Err(error)) => tracing::error!("gRPC: {error}"),
            Err(_) => tracing::warn!("gRPC requests did not finish within --drain-timeout"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A runtime that is dropped blocks until its threads end, which no other runtime allows.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Waits for the end, or for the server to be gone.
pub(super) async fn until(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|&stopped| stopped).await;
}
