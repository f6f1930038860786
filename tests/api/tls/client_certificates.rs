//! Client certificates.

use std::io;

use super::{
    ServerFiles, TlsApp,
    certificates::{Authority, Identity},
    client::{HttpsClient, config},
};

/// Sends a request with a client certificate. With TLS 1.3 the server rejects a certificate after the handshake of the client.
async fn status(
    server: &TlsApp,
    authority: &Authority,
    identity: Option<&Identity>,
) -> io::Result<u16> {
    let client = HttpsClient::new(server.http, config(authority, identity));
    client.connect(&[]).await?.status("/health/live").await
}

#[actix_web::test]
async fn only_valid_client_certificates_are_accepted() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let files = ServerFiles::new(&authority.issue("localhost"));
    std::fs::write(files.path("clients.pem"), &clients.certificate).unwrap();
    let flag = format!("--tls-client-ca={}", files.path("clients.pem").display());
    let server = files.serve(&[&flag]);
    let valid = clients.issue("client");
    assert_eq!(
        status(&server, &authority, Some(&valid)).await.unwrap(),
        200
    );
    for invalid in [
        None,
        Some(Authority::new().issue("client")),
        Some(authority.issue("client")),
        Some(clients.issue_expired("client")),
    ] {
        status(&server, &authority, invalid.as_ref())
            .await
            .unwrap_err();
    }
    assert_eq!(
        status(&server, &authority, Some(&valid)).await.unwrap(),
        200
    );
}
