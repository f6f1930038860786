//! Credentials of live connections. Browsers send them as a subprotocol.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::StatusCode;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Error, client::IntoClientRequest, http::HeaderValue},
};

use super::{TOKEN, all_scopes};
use crate::{faces::DETECTOR, helpers::TestApp};

/// Opens a live connection with subprotocols. Returns the status of the handshake and the subprotocol of the server.
async fn connect(app: &TestApp, protocols: &str) -> (StatusCode, Option<HeaderValue>) {
    let url = app.url("/v1/live?model=small").replace("http", "ws");
    let mut request = url.into_client_request().unwrap();
    let protocols = HeaderValue::from_str(protocols).unwrap();
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", protocols);
    let response = match connect_async(request).await {
        Ok((_, response)) => response,
        Err(Error::Http(response)) => response.map(|_| None),
        Err(error) => panic!("{error}"),
    };
    let protocol = response.headers().get("sec-websocket-protocol");
    (response.status(), protocol.cloned())
}

fn offer(key: &str) -> String {
    format!("mien.live, mien.bearer.{}", URL_SAFE_NO_PAD.encode(key))
}

#[actix_web::test]
async fn live_connection_is_authorized_by_subprotocol() {
    let file = all_scopes();
    let app = file.serve(&[DETECTOR, &format!("--admin-token={TOKEN}")]);
    let accepted = Some(HeaderValue::from_static("mien.live"));
    for key in ["infer-secret", TOKEN] {
        let expected = (StatusCode::SWITCHING_PROTOCOLS, accepted.clone());
        assert_eq!(connect(&app, &offer(key)).await, expected, "{key}");
    }
    for (protocols, status) in [
        (offer("metrics-secret"), StatusCode::FORBIDDEN),
        (offer("infer-secreT"), StatusCode::UNAUTHORIZED),
        (offer(""), StatusCode::UNAUTHORIZED),
        ("mien.live".to_owned(), StatusCode::UNAUTHORIZED),
        (
            "mien.live, infer-secret".to_owned(),
            StatusCode::UNAUTHORIZED,
        ),
    ] {
        assert_eq!(
            connect(&app, &protocols).await,
            (status, None),
            "{protocols}"
        );
    }
}
