//! The format of errors, and errors of paths and models.

use reqwest::RequestBuilder;
use serde_json::Value;

use super::faces;
use crate::helpers::TestApp;

/// Sends a request, checks status and format of the error, and returns its text.
pub(super) async fn error_of(request: RequestBuilder, status: u16) -> String {
    let response = request.send().await.unwrap();
    let actual = response.status().as_u16();
    assert!(!response.headers()["x-request-id"].is_empty());
    assert_eq!(response.headers()["content-type"], "application/json");
    let body: Value = response.json().await.unwrap();
    assert_eq!(actual, status, "{body}");
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    let error = body["error"].as_str().unwrap();
    assert!(
        !error.is_empty() && !error.contains(env!("CARGO_MANIFEST_DIR")),
        "{error}"
    );
    error.to_owned()
}

#[actix_web::test]
async fn unknown_paths_and_models_are_errors() {
    let app = TestApp::spawn();
    for path in ["/v2/nope", "/v2/", "/v2/models", "/v2/models/small/nope"] {
        error_of(app.client.get(app.url(path)), 404).await;
    }
    for path in [
        "/v2",
        "/v2/health/live",
        "/v2/models/small",
        "/v2/models/small/config",
    ] {
        error_of(app.client.post(app.url(path)), 405).await;
    }
    let response = app.get("/v2/models/small/infer").await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (405, &"POST".parse().unwrap())
    );
    for model in [
        "nope",
        "broken",
        "small/versions/2",
        "small/versions/01",
        "small/versions/x",
    ] {
        for end in ["", "/ready", "/config"] {
            error_of(
                app.client.get(app.url(&format!("/v2/models/{model}{end}"))),
                404,
            )
            .await;
        }
        error_of(app.infer(model).json(&faces(&["happy"])), 404).await;
    }
    for model in ["nope", "small/versions/2"] {
        error_of(
            app.client
                .get(app.url(&format!("/v2/models/{model}/stats"))),
            404,
        )
        .await;
    }
    // Errors outside of /v2 are problems.
    let response = app.get("/nope").await;
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
}

#[actix_web::test]
async fn request_id_header_is_returned() {
    let app = TestApp::spawn();
    let response = app
        .client
        .get(app.url("/v2/nope"))
        .header("x-request-id", "mine")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["x-request-id"], "mine");
}
