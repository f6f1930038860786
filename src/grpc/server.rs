//! The gRPC server and its shutdown.

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
    service::Routes,
    transport::{self, server::TcpIncoming},
};

use super::{
    body_limit::BodyLimitLayer, connections, health::Health, inference::Inference, proto,
    proto::grpc_inference_service_server::GrpcInferenceServiceServer, request_log::RequestLogLayer,
    shutdown::wait_for_shutdown,
};
use crate::{app::AppState, auth::AdminAuth};

/// Maximum number of concurrent requests per connection.
const MAX_STREAMS: u32 = 1024;

/// Interval of keep-alive pings on idle connections.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// Authorization and connection limits of the gRPC server.
pub struct Options {
    /// Authorization of admin requests.
    pub auth: AdminAuth,
    /// Maximum number of open connections.
    pub max_connections: usize,
    /// Maximum time to receive the preface of a connection.
    pub header_timeout: Duration,
}

/// A gRPC server with threads of its own.
pub struct Server {
    port: u16,
    stop: watch::Sender<bool>,
    /// Ends after the last request.
    served: JoinHandle<io::Result<()>>,
    /// Taken when the server is dropped.
    runtime: Option<Runtime>,
}

impl Server {
    /// Starts the server.
    ///
    /// # Errors
    /// Returns an error if its threads cannot be started or the descriptors are invalid.
    pub fn start(listener: TcpListener, app: &Arc<AppState>, options: Options) -> io::Result<Self> {
        let Options {
            auth,
            max_connections,
            header_timeout,
        } = options;
        let port = listener.local_addr()?.port();
        listener.set_nonblocking(true)?;
        let threads = mien_host::cpu::available_cores();
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("mien-grpc")
            .enable_all()
            .build()?;
        let (stop, stopped) = watch::channel(false);
        let services = services(app, auth, &stopped)?;
        let max_body = app.limits.max_body;
        let router = transport::Server::builder()
            .max_concurrent_streams(MAX_STREAMS)
            .http2_keepalive_interval(Some(KEEP_ALIVE))
            .layer(RequestLogLayer::new(
                Arc::clone(&app.metrics),
                stopped.clone(),
            ))
            .layer(BodyLimitLayer::new(
                max_body,
                app.intake.memory.clone(),
                app.limits.body_timeout,
            ))
            .add_routes(services);
        let served = runtime.spawn(async move {
            let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener)?);
            let incoming = incoming.with_nodelay(Some(true));
            let incoming = connections::limited(incoming, max_connections, header_timeout);
            let served = router.serve_with_incoming_shutdown(incoming, wait_for_shutdown(stopped));
            served.await.map_err(io::Error::other)
        });
        Ok(Self {
            port,
            stop,
            served,
            runtime: Some(runtime),
        })
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Rejects further connections and requests, and returns after the last response or at `deadline`.
    pub async fn stop(mut self, deadline: Instant) {
        let _ = self.stop.send(true);
        match tokio::time::timeout_at(deadline.into(), &mut self.served).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::error!("gRPC: {error}"),
            Ok(Err(error)) => tracing::error!("gRPC: {error}"),
            Err(_) => tracing::warn!("gRPC requests did not finish within --drain-timeout"),
        }
    }
}

/// Returns the services: inference, health and reflection.
fn services(
    app: &Arc<AppState>,
    auth: AdminAuth,
    stopped: &watch::Receiver<bool>,
) -> io::Result<Routes> {
    let max_body = app.limits.max_body;
    let inference = Inference {
        app: Arc::clone(app),
        auth,
        stopped: stopped.clone(),
    };
    let inference = GrpcInferenceServiceServer::new(inference)
        .max_decoding_message_size(max_body)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Deflate)
        .send_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Deflate);
    let health = Health::new(Arc::clone(&app.readiness), stopped.clone());
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let reflection_v1 = reflection().build_v1().map_err(io::Error::other)?;
    let reflection_v1alpha = reflection().build_v1alpha().map_err(io::Error::other)?;
    Ok(Routes::new(inference)
        .add_service(health.service().max_decoding_message_size(max_body))
        .add_service(reflection_v1.max_decoding_message_size(max_body))
        .add_service(reflection_v1alpha.max_decoding_message_size(max_body)))
}

impl Drop for Server {
    fn drop(&mut self) {
        // Dropping a runtime blocks until its threads end, which is not allowed inside another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
