//! The service that runs the application on the connections of a listener.

use std::{fmt, future::ready, sync::Arc};

use actix_http::{
    HttpService, KeepAlive, Request, Response, body::MessageBody, error::DispatchError,
};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config,
};
use actix_web::{Error, dev::AppConfig};
use tokio::{net::TcpStream, time::Duration};

use super::{Connection, TimeLimits};
use crate::{
    http::connections::Connections,
    tls::{Protocol, Stream, Tls},
};

/// Time for which the server still reads after a response to an incomplete body, so that the client receives the response.
const LINGER: Duration = Duration::from_secs(1);

/// Returns the service of HTTP/1.1 connections, with TLS if there is `tls`. HTTP/2 is not supported, because actix uses version 0.3 of the crate h2, which
/// queues empty DATA frames without a limit (RUSTSEC-2026-0258).
pub fn service<A, S, B>(
    app: A,
    connections: Arc<Connections>,
    tls: Option<Arc<Tls>>,
    limits: TimeLimits,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    A: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig, Error = Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let app = app.into_factory().map_err(|error| error.error_response());
    let http = HttpService::build()
        // `Connection` limits the time of heads and the time between requests.
        .client_request_timeout(Duration::ZERO)
        .keep_alive(KeepAlive::Os)
        .client_disconnect_timeout(LINGER)
        // A client that closes its connection has disconnected: its request is dropped and its images are cancelled.
        .h1_allow_half_closed(false)
        .on_connect_ext(|connection: &Connection, data| {
            data.insert(connection.activity.clone());
        })
        .h1(map_config(app, |()| AppConfig::default()));
    fn_service(move |socket: TcpStream| {
        let client = socket.peer_addr().ok();
        let acceptor = tls.as_ref().map(|tls| tls.acceptor(Protocol::Http));
        let stream = Stream::new(socket, acceptor);
        let connection = Connection::new(stream, &connections, limits);
        ready(Ok::<_, DispatchError>((connection, client)))
    })
    .and_then(http)
}
