//! Health checks, request identifiers, unknown paths and unsupported methods.

use reqwest::Method;

use crate::helpers::{TestApp, assert_problem, face};

#[actix_web::test]
async fn health_checks_return_status() {
    let app = TestApp::spawn();
    assert_eq!(app.json("/health/live").await["status"], "live");
    let ready = app.get("/health/ready").await;
    assert_eq!(ready.status(), 200);
    let head = app
        .client
        .head(app.url("/health/ready"))
        .send()
        .await
        .unwrap();
    assert_eq!(head.status(), 200);
}

#[actix_web::test]
async fn response_has_request_id() {
    let app = TestApp::spawn();
    let with = async |path: &str, id: &str| {
        let request = app.client.get(app.url(path)).header("x-request-id", id);
        request.send().await.unwrap().headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    for path in [
        "/health/live",
        "/v1/models",
        "/metrics",
        "/docs/",
        "/openapi.json",
        "/nope",
        "/",
    ] {
        assert_eq!(with(path, "abc-123").await, "abc-123", "{path}");
    }
    let long = "x".repeat(129);
    for invalid in ["", "a b", long.as_str()] {
        assert_eq!(with("/health/live", invalid).await.len(), 36, "{invalid}");
    }
    let first = app.get("/health/live").await.headers()["x-request-id"].clone();
    assert_ne!(
        first,
        app.get("/health/live").await.headers()["x-request-id"]
    );
    let request = app
        .classify("?top_k=0", face("happy"))
        .header("x-request-id", "mine");
    let body = assert_problem(request.send().await.unwrap(), 400, "invalid_request").await;
    assert_eq!(body["request_id"], "mine");
}

#[actix_web::test]
async fn unknown_paths_return_404() {
    let app = TestApp::spawn();
    for path in [
        "/nope",
        "/v1",
        "/v1/classify/x",
        "/v1/models/a/b",
        "/docs/nope",
        "/v1/models/../../etc",
    ] {
        assert_problem(app.get(path).await, 404, "not_found").await;
    }
}

#[actix_web::test]
async fn unsupported_methods_return_405_with_allow() {
    let app = TestApp::spawn();
    for (method, path, allow) in [
        (Method::GET, "/v1/classify", "POST"),
        (Method::DELETE, "/v1/classify", "POST"),
        (Method::POST, "/v1/models", "GET, HEAD"),
        (Method::POST, "/v1/models/small", "GET, HEAD"),
        (Method::PUT, "/health/live", "GET, HEAD"),
        (Method::POST, "/health/ready", "GET, HEAD"),
        (Method::POST, "/metrics", "GET, HEAD"),
        (Method::PATCH, "/openapi.json", "GET, HEAD"),
    ] {
        let response = app
            .client
            .request(method, app.url(path))
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["allow"], allow, "{path}");
        assert_problem(response, 405, "method_not_allowed").await;
    }
}
