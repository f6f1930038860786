//! Limits of live connections.

use std::io::{Read, Write};

use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::{
    self, Message,
    protocol::frame::{
        Frame,
        coding::{CloseCode, Data, OpCode},
    },
};

use super::{Live, frame};
use crate::{
    eventually::TIMEOUT,
    eventually::eventually,
    faces::DETECTOR,
    helpers::{TestApp, connect},
};

/// Returns a fragment of a message.
fn fragment(kind: Data, length: usize, is_final: bool) -> Message {
    Message::Frame(Frame::message(
        vec![0; length],
        OpCode::Data(kind),
        is_final,
    ))
}

#[actix_web::test]
async fn text_closes_connection() {
    let app = super::spawn();
    let mut live = Live::connect(&app, "").await;
    live.send("a text").await;
    let (code, reason) = live.end().await;
    assert_eq!(code, CloseCode::Unsupported);
    assert!(reason.contains("binary"), "{reason}");
}

#[actix_web::test]
async fn large_frame_closes_connection() {
    let app = TestApp::spawn_with(&[DETECTOR, "--max-live-frame=1000B"]);
    let whole = vec![Message::binary(vec![0; 1001])];
    let fragments = vec![
        fragment(Data::Binary, 600, false),
        fragment(Data::Continue, 401, true),
    ];
    for messages in [whole, fragments] {
        let mut live = Live::connect(&app, "").await;
        for message in messages {
            live.send(message).await;
        }
        let (code, reason) = live.end().await;
        assert_eq!(code, CloseCode::Size);
        assert!(reason.contains("--max-live-frame"), "{reason}");
    }
}

#[actix_web::test]
async fn announced_length_closes_connection_without_payload() {
    let app = TestApp::spawn_with(&[DETECTOR]);
    let handshake = "GET /v1/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut stream = connect(&app.url(""));
    let received = actix_web::rt::task::spawn_blocking(move || {
        stream.write_all(handshake.as_bytes()).unwrap();
        let terabyte = [0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0];
        stream.write_all(&terabyte).unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        received
    });
    let received = String::from_utf8_lossy(&received.await.unwrap()).into_owned();
    assert!(received.starts_with("HTTP/1.1 101 "), "{received}");
    assert!(received.contains("--max-live-frame"), "{received}");
}

#[actix_web::test]
async fn fragments_are_one_frame() {
    let app = super::spawn();
    let mut live = Live::connect(&app, "").await;
    let file = frame("happy", 60);
    let (first, rest) = file.split_at(100);
    for (kind, part, is_final) in [(Data::Binary, first, false), (Data::Continue, rest, true)] {
        let part = Frame::message(part.to_vec(), OpCode::Data(kind), is_final);
        live.send(Message::Frame(part)).await;
    }
    let result = live.result().await;
    assert_eq!(result["faces"].as_array().unwrap().len(), 1, "{result}");
}

#[actix_web::test]
async fn too_many_messages_close_connection() {
    let app = TestApp::spawn_with(&[DETECTOR, "--max-live-rate=2"]);
    let mut live = Live::connect(&app, "").await;
    for _ in 0..100 {
        // The server may have closed the connection already.
        if live.0.send(Message::Ping("".into())).await.is_err() {
            break;
        }
    }
    let (code, reason) = live.end().await;
    assert_eq!(code, CloseCode::Policy);
    assert!(reason.contains("--max-live-rate"), "{reason}");
}

#[actix_web::test]
async fn silent_client_is_closed() {
    let app = TestApp::spawn_with(&[DETECTOR, "--body-timeout=300ms"]);
    let mut live = Live::connect(&app, "").await;
    let (code, reason) = live.end().await;
    assert_eq!(code, CloseCode::Policy);
    assert!(reason.contains("300ms"), "{reason}");
}

#[actix_web::test]
async fn handshake_over_limit_is_rejected_until_connection_closes() {
    for flags in ["--max-live-connections=1", "--max-body-memory=10MiB"] {
        let app = TestApp::spawn_with(&[DETECTOR, flags]);
        let live = Live::connect(&app, "").await;
        let Err(tungstenite::Error::Http(response)) = Live::try_connect(&app, "").await else {
            panic!("the second connection was accepted with {flags}");
        };
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "1");
        drop(live);
        eventually(TIMEOUT, "a connection is accepted", async || {
            Live::try_connect(&app, "").await.ok()
        })
        .await;
    }
}
