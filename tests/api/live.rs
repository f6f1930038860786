//! `GET /v1/live`, with the real face detector.

mod limits;

use futures_util::{SinkExt, StreamExt};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        self, Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use crate::{
    eventually::TIMEOUT,
    faces::{DETECTOR, composite},
    helpers::{TestApp, assert_problem, send},
};

/// A client of a live connection.
pub(crate) struct Live(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Live {
    pub(crate) async fn connect(app: &TestApp, query: &str) -> Self {
        Self::try_connect(app, query).await.unwrap()
    }

    async fn try_connect(app: &TestApp, query: &str) -> Result<Self, tungstenite::Error> {
        let url = app.url(&format!("/v1/live{query}")).replace("http", "ws");
        let (socket, response) = connect_async(url).await?;
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert!(response.headers().contains_key("x-request-id"));
        Ok(Self(socket))
    }

    async fn send(&mut self, message: impl Into<Message>) {
        self.0.send(message.into()).await.unwrap();
    }

    /// Returns the next message that is not a pong.
    async fn next(&mut self) -> Message {
        loop {
            let message = timeout(TIMEOUT, self.0.next()).await.unwrap();
            let message = message.unwrap().unwrap();
            if !message.is_pong() {
                return message;
            }
        }
    }

    /// Returns the next result.
    async fn result(&mut self) -> Value {
        let message = self.next().await;
        serde_json::from_str(message.to_text().unwrap()).unwrap()
    }

    /// Returns the result of a frame.
    pub(crate) async fn analyse(&mut self, frame: Vec<u8>) -> Value {
        self.send(frame).await;
        self.result().await
    }

    /// Returns code and reason of the end, after which the connection must be closed.
    async fn end(&mut self) -> (CloseCode, String) {
        loop {
            if let Message::Close(frame) = self.next().await {
                let CloseFrame { code, reason } = frame.unwrap();
                let rest = timeout(TIMEOUT, self.0.next()).await.unwrap();
                assert!(rest.is_none(), "{rest:?}");
                return (code, reason.to_string());
            }
        }
    }
}

fn spawn() -> TestApp {
    TestApp::spawn_with(&[DETECTOR])
}

/// Returns a frame with one face at a place.
pub(crate) fn frame(class: &str, x: i64) -> Vec<u8> {
    composite(&[(class, x, 100, 200)])
}

fn probability(face: &Value, label: &str) -> f64 {
    face["probabilities"][label].as_f64().unwrap()
}

#[actix_web::test]
async fn frame_has_faces_of_photo_with_track() {
    let app = spawn();
    let photo = app.client.post(app.url("/v1/faces?model=small"));
    let (_, photo) = send(photo.body(frame("happy", 60))).await;
    let mut live = Live::connect(&app, "?model=small").await;
    let mut result = live.analyse(frame("happy", 60)).await;
    assert!(result["duration_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(
        [&result["frame"], &result["dropped"], &result["model"]],
        [&json!(0), &json!(0), &json!("small")]
    );
    let face = result["faces"][0].as_object_mut().unwrap();
    assert_eq!(face.remove("track"), Some(json!(1)));
    let smoothed = face.remove("smoothed").unwrap();
    assert_eq!(smoothed["label"], face["label"]);
    assert_eq!(result["faces"], photo["images"][0]["faces"]);
}

#[actix_web::test]
async fn moving_faces_keep_their_tracks() {
    let app = spawn();
    let mut live = Live::connect(&app, "").await;
    for step in 0..4 {
        let places = [
            ("happy", 20 + 30 * step, 100, 200),
            ("sad", 330, 200 - 20 * step, 240),
        ];
        let result = live.analyse(composite(&places)).await;
        assert_eq!(result["frame"], json!(step));
        // The larger face is first.
        let tracks = [0, 1].map(|face| result["faces"][face]["track"].clone());
        assert_eq!(tracks, [json!(1), json!(2)], "{result}");
    }
    let result = live.analyse(composite(&[])).await;
    assert_eq!(result["faces"], json!([]));
    let result = live.analyse(frame("happy", 400)).await;
    assert_eq!(result["faces"][0]["track"], json!(1), "{result}");
}

#[actix_web::test]
async fn probabilities_are_smoothed_by_weight_of_query() {
    let app = spawn();
    for (query, weight) in [("", 0.5), ("?smoothing=0.75", 0.75), ("?smoothing=0", 0.0)] {
        let mut live = Live::connect(&app, query).await;
        let first = live.analyse(frame("happy", 60)).await;
        let second = live.analyse(frame("sad", 60)).await;
        let (first, second) = (&first["faces"][0], &second["faces"][0]);
        assert_eq!(first["track"], second["track"]);
        for label in ["happy", "sad", "neutral"] {
            let expected =
                weight * probability(first, label) + (1.0 - weight) * probability(second, label);
            let smoothed = probability(&second["smoothed"], label);
            assert!(
                (smoothed - expected).abs() < 1e-5,
                "{query} {label}: {second}"
            );
        }
    }
}

#[actix_web::test]
async fn invalid_frame_has_error_and_connection_stays_open() {
    let app = spawn();
    let mut live = Live::connect(&app, "").await;
    let result = live.analyse(b"text".to_vec()).await;
    assert_eq!(result["error"]["code"], json!("invalid_image"), "{result}");
    let result = live.analyse(frame("happy", 60)).await;
    assert_eq!(
        (&result["frame"], &result["faces"][0]["track"]),
        (&json!(1), &json!(1))
    );
    app.until_metric("mien_live_frames_total{outcome=\"ok\"}", 1.0)
        .await;
    app.until_metric("mien_live_frames_total{outcome=\"failed\"}", 1.0)
        .await;
    app.until_metric("mien_live_connections", 1.0).await;
    drop(live);
    app.until_metric("mien_live_connections", 0.0).await;
}

#[actix_web::test]
async fn each_frame_is_analysed_or_counted_as_dropped() {
    const FRAMES: u64 = 40;
    let app = spawn();
    let mut live = Live::connect(&app, "").await;
    for _ in 0..FRAMES {
        live.send(frame("happy", 60)).await;
    }
    let mut results = 0;
    loop {
        let result = live.result().await;
        results += 1;
        if result["frame"] == json!(FRAMES - 1) {
            // The newest frame is always analysed.
            let dropped = result["dropped"].as_u64().unwrap();
            assert_eq!(results + dropped, FRAMES, "{result}");
            let series = "mien_live_frames_total{outcome=\"dropped\"}";
            assert_eq!(app.metric(series).await, dropped as f64);
            return;
        }
    }
}

#[actix_web::test]
async fn client_that_closes_gets_normal_close() {
    let app = spawn();
    let mut live = Live::connect(&app, "").await;
    live.send(Message::Ping("are you there".into())).await;
    let pong = timeout(TIMEOUT, live.0.next()).await.unwrap();
    assert_eq!(
        pong.unwrap().unwrap(),
        Message::Pong("are you there".into())
    );
    live.send(Message::Close(None)).await;
    assert_eq!(live.end().await.0, CloseCode::Normal);
}

#[actix_web::test]
async fn shutdown_closes_connection_with_reason() {
    let mut app = spawn();
    let mut live = Live::connect(&app, "").await;
    live.analyse(frame("happy", 60)).await;
    app.stop();
    let (code, reason) = live.end().await;
    assert_eq!(code, CloseCode::Away);
    assert!(reason.contains("shutting down"), "{reason}");
    app.stop_and_wait().await;
}

/// Checks that the request of a handshake is rejected.
async fn assert_rejected(app: &TestApp, query: &str, status: u16, code: &str, detail: &str) {
    let response = app.get(&format!("/v1/live{query}")).await;
    let body = assert_problem(response, status, code).await;
    assert!(body["detail"].as_str().unwrap().contains(detail), "{body}");
}

#[actix_web::test]
async fn request_that_is_not_a_handshake_is_rejected() {
    let app = spawn();
    for (query, detail) in [
        ("", "WebSocket"),
        ("?smoothing=1", "from 0 to less than 1"),
        ("?smoothing=much", "invalid float"),
        ("?smoothing=0.1&smoothing=0.2", "duplicate field"),
        ("?min_score=2", "0 to 1"),
        ("?speed=1", "unknown field"),
    ] {
        assert_rejected(&app, query, 400, "invalid_request", detail).await;
    }
    assert_rejected(&app, "?model=unknown", 404, "unknown_model", "unknown").await;
}

#[actix_web::test]
async fn server_without_detector_rejects_handshake() {
    let app = TestApp::spawn();
    assert_rejected(&app, "", 503, "detector_missing", "cargo xtask setup").await;
}
