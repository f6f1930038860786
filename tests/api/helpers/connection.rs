//! Plain connections and HTTP/2 clients.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use reqwest::{Client, ClientBuilder};

/// Returns the builder of a client. The crate `reqwest` panics without a default implementation of cryptography.
pub(crate) fn http_client_builder() -> ClientBuilder {
    mien::tls::install_crypto_provider();
    Client::builder()
}

/// Returns a client with the default settings.
pub(crate) fn http_client() -> Client {
    http_client_builder().build().unwrap()
}

/// Returns a client that uses HTTP/2 with prior knowledge.
pub(crate) fn http_2() -> Client {
    http_client_builder()
        .http2_prior_knowledge()
        .build()
        .unwrap()
}

/// Connects to `http://HOST:PORT`.
pub(crate) fn connect(base: &str) -> TcpStream {
    let stream = TcpStream::connect(base.strip_prefix("http://").unwrap()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream
}

/// Sends `GET /health/live`.
pub(crate) fn send_health_request(stream: &mut TcpStream) {
    stream
        .write_all(b"GET /health/live HTTP/1.1\r\nHost: mien\r\n\r\n")
        .unwrap();
}

/// Reads the response to [`send_health_request`] and checks its status.
pub(crate) fn read_health_response(stream: &mut TcpStream) {
    let mut response = [0; 4096];
    let length = stream.read(&mut response).unwrap();
    assert!(response[..length].starts_with(b"HTTP/1.1 200"));
}
