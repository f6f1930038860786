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
    authorization::AuthorizationLayer,
    body_limit::{BodyLimitLayer, Timeouts},
    connections,
    health::Health,
    inference::Inference,
    proto,
    proto::grpc_inference_service_server::GrpcInferenceServiceServer,
    request_log::RequestLogLayer,
    shutdown::wait_for_shutdown,
};
use crate::{app::AppState, auth::Authorizer, tls::Tls};

/// Maximum number of concurrent calls per connection: as many as the queue of a model has places by default. A client starts
/// further calls when earlier ones have ended.
const MAX_STREAMS: u32 = 64;

/// Maximum number of bytes that a connection may send before the server has read them, for all calls together and for each call.
/// These bytes do not count in the memory limit.
const WINDOW: u32 = 128 << 10;

/// Maximum size of the metadata of a call, as in gRPC's own libraries.
const MAX_HEADERS: u32 = 8 << 10;

/// Interval of keep-alive pings on idle connections.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// Age at which a connection takes no further calls and closes after its last one. Connections without calls therefore do not
/// keep their places, although their clients answer pings. Clients open a new connection without losing a call.
const MAX_CONNECTION_AGE: Duration = Duration::from_secs(300);

/// Authorization and connection limits of the gRPC server.
pub struct Options {
    /// Authorization of calls.
    pub authorizer: Authorizer,
    /// Whether admin calls are available.
    pub serves_admin: bool,
    /// The certificate. Without it, connections are not encrypted.
    pub tls: Option<Arc<Tls>>,
    /// Maximum number of open connections.
    pub max_connections: usize,
    /// Maximum time to receive the preface of a connection.
    pub header_timeout: Duration,
    /// Maximum time that a stream waits for a message, or for its client to read a response.
    pub keep_alive: Duration,
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
            authorizer,
            serves_admin,
            tls,
            max_connections,
            header_timeout,
            keep_alive,
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
        // A stream is not idle while a request of it is processed.
        let idle = keep_alive.max(app.limits.request_timeout);
        let services = services(app, keep_alive, &stopped)?;
        let timeouts = Timeouts {
            message: app.limits.body_timeout,
            idle,
        };
        let router = transport::Server::builder()
            .max_concurrent_streams(MAX_STREAMS)
            .initial_connection_window_size(WINDOW)
            .initial_stream_window_size(WINDOW)
            .http2_max_header_list_size(MAX_HEADERS)
            .http2_keepalive_interval(Some(KEEP_ALIVE))
            .max_connection_age(MAX_CONNECTION_AGE)
            .layer(RequestLogLayer::new(app, stopped.clone()))
            .layer(AuthorizationLayer {
                authorizer,
                serves_admin,
            })
            .layer(BodyLimitLayer::new(
                app.limits.max_body,
                app.intake.memory.clone(),
                timeouts,
                app.intake.arrival.is_closed(),
            ))
            .add_routes(services);
        let served = runtime.spawn(async move {
            let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener)?);
            let incoming = incoming.with_nodelay(Some(true));
            let incoming = connections::limited(incoming, tls, max_connections, header_timeout);
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
    read_timeout: Duration,
    stopped: &watch::Receiver<bool>,
) -> io::Result<Routes> {
    let inference = Inference {
        app: Arc::clone(app),
        read_timeout,
        stopped: stopped.clone(),
    };
    let inference = GrpcInferenceServiceServer::new(inference)
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
        .add_service(health.service())
        .add_service(reflection_v1)
        .add_service(reflection_v1alpha))
}

impl Drop for Server {
    fn drop(&mut self) {
        // Dropping a runtime blocks until its threads end, which is not allowed inside another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
