//! Connections whose clients send more than the server reads ahead.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use actix_web::web;

use crate::helpers::{TestApp, connect, face};

/// Sends bytes from another thread, because the server may stop reading until its responses are read.
fn send(stream: &TcpStream, bytes: Vec<u8>) -> std::thread::JoinHandle<()> {
    let mut stream = stream.try_clone().unwrap();
    std::thread::spawn(move || stream.write_all(&bytes).unwrap())
}

/// Returns the number of responses with status 200 until the server closes the connection.
async fn responses(app: &TestApp, requests: Vec<u8>) -> usize {
    let base = app.base.clone();
    let count = move || {
        let mut stream = connect(&base);
        let sender = send(&stream, requests);
        let mut responses = Vec::new();
        stream.read_to_end(&mut responses).unwrap();
        sender.join().unwrap();
        let ok = b"HTTP/1.1 200";
        responses
            .windows(ok.len())
            .filter(|part| part == ok)
            .count()
    };
    web::block(count).await.unwrap()
}

/// Returns a request whose response closes the connection.
fn last(padding: usize) -> Vec<u8> {
    let padding = "a".repeat(padding);
    let head = "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX:";
    format!("{head} {padding}\r\n\r\n").into()
}

#[actix_web::test]
async fn all_pipelined_requests_get_responses() {
    let app = TestApp::spawn_with(&["--keep-alive=1h", "--header-timeout=1h"]);
    for (path, count) in [("/health/live", 2000), ("/docs/swagger-ui-bundle.js", 20)] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
            "a".repeat(1000)
        );
        let requests = [request.repeat(count).into_bytes(), last(0)].concat();
        assert_eq!(responses(&app, requests).await, count + 1, "{path}");
    }
}

#[actix_web::test]
async fn large_heads_are_accepted() {
    let app = TestApp::spawn();
    for padding in [8 << 10, 9 << 10, 60 << 10, 100 << 10] {
        assert_eq!(responses(&app, last(padding)).await, 1, "{padding}");
    }
}

#[actix_web::test]
async fn connection_stays_open_after_large_bodies() {
    let app = TestApp::spawn_with(&["--keep-alive=1h", "--header-timeout=1h"]);
    // Bytes after the end of the image are ignored.
    let image = [face("happy"), vec![0; 300_000]].concat();
    let part = "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\n";
    let form = [part.as_bytes(), &image, b"\r\n--b--\r\n"].concat();
    let mut requests = Vec::new();
    for (media_type, body) in [
        ("image/png", &image),
        ("multipart/form-data; boundary=b", &form),
    ] {
        let head =
            format!("POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}");
        let length = body.len();
        requests.extend(format!("{head}\r\nContent-Length: {length}\r\n\r\n").bytes());
        requests.extend(body);
        requests.extend(format!("{head}\r\nTransfer-Encoding: chunked\r\n\r\n").bytes());
        for chunk in body.chunks(50_000) {
            requests.extend(format!("{:x}\r\n", chunk.len()).bytes());
            requests.extend(chunk);
            requests.extend(b"\r\n");
        }
        requests.extend(b"0\r\n\r\n");
    }
    requests.extend(last(0));
    assert_eq!(responses(&app, requests).await, 5);
}
