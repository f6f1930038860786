//! Connections that make no progress are closed, and their slots can be used again.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use actix_web::web;

use crate::helpers::{TestApp, assert_problem, connect, read_health_response, send_health_request};

/// Pause between two pieces of a slow client.
const PAUSE: Duration = Duration::from_millis(10);

/// Runs a test that blocks.
async fn blocking(app: &TestApp, test: impl FnOnce(&str) + Send + 'static) {
    let base = app.base.clone();
    web::block(move || test(&base)).await.unwrap();
}

/// Reads until the server closes the connection.
fn read_all(stream: &mut TcpStream) -> String {
    let mut response = Vec::new();
    match stream.read_to_end(&mut response) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "still open"),
    }
    String::from_utf8(response).unwrap()
}

#[actix_web::test]
async fn late_head_gets_408() {
    let app = TestApp::spawn_with(&["--header-timeout=50ms", "--keep-alive=1h"]);
    blocking(&app, |base| {
        for begin in ["", "G", "PRI * HT", "GET /health/live HTTP/1.1\r\nHost:"] {
            let mut stream = connect(base);
            stream.write_all(begin.as_bytes()).unwrap();
            let response = read_all(&mut stream);
            assert!(response.starts_with("HTTP/1.1 408"), "{begin}: {response}");
        }
    })
    .await;
}

#[actix_web::test]
async fn late_head_of_later_request_gets_408() {
    let app = TestApp::spawn_with(&["--header-timeout=100ms", "--keep-alive=1h"]);
    blocking(&app, |base| {
        for begin in ["G", "GET /health/live HTTP/1.1\r\nHost:"] {
            let mut stream = connect(base);
            send_health_request(&mut stream);
            read_health_response(&mut stream);
            stream.write_all(begin.as_bytes()).unwrap();
            let response = read_all(&mut stream);
            assert!(response.starts_with("HTTP/1.1 408"), "{begin}: {response}");
        }
    })
    .await;
}

#[actix_web::test]
async fn dripping_head_is_closed() {
    let app = TestApp::spawn_with(&["--header-timeout=100ms", "--keep-alive=1h"]);
    blocking(&app, |base| {
        for with_first_request in [false, true] {
            let mut stream = connect(base);
            if with_first_request {
                send_health_request(&mut stream);
                read_health_response(&mut stream);
            }
            stream
                .write_all(b"GET /health/live HTTP/1.1\r\nX: ")
                .unwrap();
            drip(&mut stream, b"a");
        }
    })
    .await;
}

#[actix_web::test]
async fn idle_connection_is_closed_after_keep_alive() {
    let app = TestApp::spawn_with(&["--keep-alive=50ms"]);
    blocking(&app, |base| {
        let mut stream = connect(base);
        send_health_request(&mut stream);
        read_health_response(&mut stream);
        assert_eq!(read_all(&mut stream), "");
    })
    .await;
}

#[actix_web::test]
async fn silent_connections_return_their_slots() {
    let app = TestApp::spawn_with(&["--max-connections=1", "--header-timeout=100ms"]);
    blocking(&app, |base| {
        let silent: Vec<TcpStream> = (0..3).map(|_| connect(base)).collect();
        let mut stream = connect(base);
        send_health_request(&mut stream);
        read_health_response(&mut stream);
        drop(silent);
    })
    .await;
}

/// Sends `piece` again and again until the server closes the connection, and returns its response.
fn drip(stream: &mut TcpStream, piece: &[u8]) -> String {
    stream.set_nonblocking(true).unwrap();
    let (mut response, mut buffer) = (Vec::new(), [0; 1000]);
    // Twice the read timeout of other tests.
    for _ in 0..6000 {
        let written = stream.write(piece);
        match stream.read(&mut buffer) {
            Ok(0) => return String::from_utf8(response).unwrap(),
            Ok(length) => response.extend(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock && written.is_ok() => {}
            Err(_) => return String::from_utf8(response).unwrap(),
        }
        // The pause is the behaviour of the slow client; it is not a wait for the server.
        std::thread::sleep(PAUSE);
    }
    panic!("still open after {:?}", String::from_utf8(response));
}

#[actix_web::test]
async fn chunks_after_408_close_connection() {
    let app = TestApp::spawn_with(&[
        "--body-timeout=50ms",
        "--header-timeout=100ms",
        "--keep-alive=1h",
    ]);
    blocking(&app, |base| {
        let (extension, size, trailer): (&[u8], &[u8], &[u8]) = (b"5;", b"0", b"0\r\nX: y\r\n");
        let data: &[u8] = b"ffffff\r\n";
        for (begin, piece) in [
            (extension, "a"),
            (size, "0"),
            (trailer, "X: y\r\n"),
            (data, "a"),
        ] {
            let mut stream = connect(base);
            let head =
                b"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
            stream.write_all(&[head, begin].concat()).unwrap();
            let response = drip(&mut stream, piece.as_bytes());
            assert!(response.starts_with("HTTP/1.1 4"), "{piece:?}: {response}");
            assert!(response.contains("connection: close"), "{response}");
        }
    })
    .await;
}

#[actix_web::test]
async fn silence_after_408_closes_connection() {
    let app = TestApp::spawn_with(&["--body-timeout=50ms", "--keep-alive=100ms"]);
    blocking(&app, |base| {
        for length in ["Content-Length: 9", "Transfer-Encoding: chunked"] {
            let mut stream = connect(base);
            let head = format!("POST /v1/classify HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            let response = read_all(&mut stream);
            assert!(response.starts_with("HTTP/1.1 408"), "{response}");
        }
    })
    .await;
}

#[actix_web::test]
async fn late_bodies_are_rejected_on_all_routes() {
    let routes = [
        "/v1/classify",
        "/v1/explain",
        "/v1/evaluations",
        "/v1/models/small/promotions",
        "/v2/models/small/infer",
        "/v2/repository/index",
        "/v2/repository/models/small/load",
        "/v2/repository/models/small/unload",
    ];
    for (flag, status, code) in [
        ("--body-timeout=50ms", 408, "request_timeout"),
        ("--request-timeout=50ms", 504, "deadline_exceeded"),
    ] {
        let app = TestApp::spawn_with(&[flag]);
        for route in routes {
            let endless = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
            let request = app.client.post(app.url(route));
            let request = request.header("content-type", "application/json");
            let body = reqwest::Body::wrap_stream(endless);
            let response = request.body(body).send().await.unwrap();
            assert_eq!(response.status(), status, "{route}");
            if route.starts_with("/v1") {
                assert_problem(response, status, code).await;
            }
        }
    }
}
