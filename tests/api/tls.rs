//! TLS of the HTTP and gRPC listeners.

pub(crate) mod certificates;
mod client;
mod client_certificates;
mod commands;
mod reload;

use std::{path::PathBuf, time::Duration};

use mien::{cli::health::HealthArgs, grpc::proto::ServerLiveRequest, startup::Application};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use self::{
    certificates::{Authority, Identity},
    client::{HttpsClient, trusting},
};
use crate::{
    grpc::{Client, faces},
    helpers::{TestApp, settings, startup_error},
};

/// A running server with TLS for HTTP and gRPC.
struct TlsApp {
    app: TestApp,
    http: u16,
    grpc: u16,
}

/// The files of a server with TLS.
struct ServerFiles {
    directory: tempfile::TempDir,
}

impl ServerFiles {
    fn new(identity: &Identity) -> Self {
        let files = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        files.write(identity);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, identity: &Identity) {
        std::fs::write(self.path("cert.pem"), &identity.certificate).unwrap();
        std::fs::write(self.path("key.pem"), &identity.key).unwrap();
    }

    fn flags(&self) -> Vec<String> {
        let flag = |flag: &str, name: &str| format!("--{flag}={}", self.path(name).display());
        vec![flag("tls-cert", "cert.pem"), flag("tls-key", "key.pem")]
    }

    fn serve(&self, flags: &[&str]) -> TlsApp {
        let own = self.flags();
        let own = own
            .iter()
            .map(String::as_str)
            .chain(["--grpc-addr=127.0.0.1:0"]);
        let flags: Vec<&str> = own.chain(flags.iter().copied()).collect();
        let app = Application::build(&settings(&flags)).unwrap();
        let (http, grpc) = (app.port(), app.grpc_port().unwrap());
        TlsApp {
            app: TestApp::run(app),
            http,
            grpc,
        }
    }
}

#[actix_web::test]
async fn http_is_served_over_tls() {
    let authority = Authority::new();
    let server = ServerFiles::new(&authority.issue("localhost")).serve(&[]);
    let client = HttpsClient::new(server.http, trusting(&authority));
    // The HTTP listener does not support HTTP/2.
    let mut connection = client.connect(&["h2", "http/1.1"]).await.unwrap();
    assert_eq!(connection.protocol().as_deref(), Some("http/1.1"));
    for _ in 0..2 {
        assert_eq!(connection.status("/health/ready").await.unwrap(), 200);
    }
    let stranger = HttpsClient::new(server.http, trusting(&Authority::new()));
    stranger.connect(&[]).await.unwrap_err();
    let mut plain = TcpStream::connect(("127.0.0.1", server.http))
        .await
        .unwrap();
    let request = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    plain.write_all(request).await.unwrap();
    let mut response = Vec::new();
    let _ = plain.read_to_end(&mut response).await;
    assert!(!response.starts_with(b"HTTP/"), "{response:?}");
}

/// Connects to the gRPC listener.
async fn grpc_client(port: u16, authority: &Authority) -> Result<Client, tonic::transport::Error> {
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(&authority.certificate))
        .domain_name("localhost");
    let endpoint = Endpoint::new(format!("https://127.0.0.1:{port}"))?;
    Ok(Client::new(endpoint.tls_config(tls)?.connect().await?))
}

#[actix_web::test]
async fn grpc_is_served_over_tls() {
    let authority = Authority::new();
    let server = ServerFiles::new(&authority.issue("localhost")).serve(&[]);
    let mut client = grpc_client(server.grpc, &authority).await.unwrap();
    assert!(
        client
            .server_live(ServerLiveRequest {})
            .await
            .unwrap()
            .into_inner()
            .live
    );
    client.model_infer(faces(&["happy"])).await.unwrap();
    assert!(grpc_client(server.grpc, &Authority::new()).await.is_err());
}

#[actix_web::test]
async fn silent_handshake_is_closed_after_header_timeout() {
    let authority = Authority::new();
    let files = ServerFiles::new(&authority.issue("localhost"));
    let server = files.serve(&["--header-timeout=200ms"]);
    for port in [server.http, server.grpc] {
        for bytes in [&b""[..], b"\x16\x03\x01"] {
            let mut silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            silent.write_all(bytes).await.unwrap();
            let mut rest = Vec::new();
            let closed = silent.read_to_end(&mut rest);
            let closed = tokio::time::timeout(Duration::from_secs(30), closed).await;
            assert!(closed.is_ok(), "the connection to {port} is open");
        }
    }
    let client = HttpsClient::new(server.http, trusting(&authority));
    let mut connection = client.connect(&[]).await.unwrap();
    assert_eq!(connection.status("/health/live").await.unwrap(), 200);
}

#[actix_web::test]
async fn idle_connections_close_cleanly_on_shutdown() {
    let authority = Authority::new();
    let mut server = ServerFiles::new(&authority.issue("localhost")).serve(&[]);
    let client = HttpsClient::new(server.http, trusting(&authority));
    let mut connection = client.connect(&[]).await.unwrap();
    assert_eq!(connection.status("/health/live").await.unwrap(), 200);
    server.app.stop_and_wait().await;
    // A connection without the alert close_notify would be an error.
    assert_eq!(connection.rest().await.unwrap(), b"");
}

#[actix_web::test]
async fn health_command_checks_server_with_its_certificate() {
    let authority = Authority::new();
    let files = ServerFiles::new(&authority.issue("localhost"));
    let server = files.serve(&[]);
    let other = ServerFiles::new(&authority.issue("localhost"));
    let addr = format!("127.0.0.1:{}", server.http);
    let check = |certificate: Option<PathBuf>| {
        let args = HealthArgs {
            addr: addr.parse().unwrap(),
            tls_cert: certificate,
        };
        actix_web::web::block(move || args.check().map_err(|error| error.to_string()))
    };
    check(Some(files.path("cert.pem"))).await.unwrap().unwrap();
    check(Some(other.path("cert.pem")))
        .await
        .unwrap()
        .unwrap_err();
    check(None).await.unwrap().unwrap_err();
}

#[actix_web::test]
async fn invalid_files_are_errors_at_startup() {
    let authority = Authority::new();
    let (identity, other) = (authority.issue("localhost"), authority.issue("localhost"));
    for (certificate, key, message) in [
        (&identity.certificate, &other.key, "--tls-key"),
        (
            &String::new(),
            &identity.key,
            "does not contain a certificate",
        ),
        (
            &identity.certificate,
            &String::new(),
            "key.pem` (--tls-key)",
        ),
    ] {
        let files = ServerFiles::new(&Identity {
            certificate: certificate.clone(),
            key: key.clone(),
        });
        let flags = files.flags();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let error = startup_error(&settings(&flags)).await;
        assert!(error.contains(message), "{error}");
    }
}
