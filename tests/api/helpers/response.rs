//! Sends requests and checks responses.

use reqwest::{RequestBuilder, Response};
use serde_json::Value;

/// Sends a request and returns the status and the JSON of the response.
pub(crate) async fn send(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Checks status, code, media type and request identifier of an error response, and returns its body.
pub(crate) async fn assert_problem(response: Response, status: u16, code: &str) -> Value {
    let id = response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let media_type = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let actual = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert_eq!(
        (actual, body["code"].as_str()),
        (status, Some(code)),
        "{body}"
    );
    assert_eq!(media_type, "application/problem+json");
    assert_eq!(body["status"], status);
    assert_eq!(body["type"], format!("urn:mien:problem:{code}"));
    assert_eq!(body["request_id"], id);
    for key in ["title", "detail"] {
        assert!(!body[key].as_str().unwrap().is_empty(), "{body}");
    }
    assert!(
        !body.to_string().contains(env!("CARGO_MANIFEST_DIR")),
        "the body contains a path: {body}"
    );
    body
}
