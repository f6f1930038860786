//! Requests from web pages of other sites: DNS rebinding, cross-site requests and CORS.

use reqwest::{Method, RequestBuilder, Response, StatusCode, header};

use crate::helpers::{TestApp, assert_problem, face};

const EVIL: &str = "https://evil.example";
const PAGE: &str = "https://app.example";

/// Sends a classification with a header and returns the response.
async fn classify_with(app: &TestApp, name: header::HeaderName, value: &str) -> Response {
    let request = app
        .classify("?model=small", face("happy"))
        .header(name, value);
    request.send().await.unwrap()
}

#[actix_web::test]
async fn foreign_host_is_rejected_on_loopback() {
    let app = TestApp::spawn();
    for host in ["evil.example", "127.0.0.1.evil.example", "192.0.2.1:8080"] {
        let response = classify_with(&app, header::HOST, host).await;
        let body = assert_problem(response, 403, "forbidden").await;
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains("--allowed-host"), "{detail}");
        for path in ["/v1/evaluations", "/metrics", "/v1/models"] {
            let request = app.client.get(app.url(path)).header(header::HOST, host);
            assert_problem(request.send().await.unwrap(), 403, "forbidden").await;
        }
    }
    for host in ["localhost", "localhost:1234", "127.0.0.2", "[::1]:8080"] {
        let response = classify_with(&app, header::HOST, host).await;
        assert_eq!(response.status(), StatusCode::OK, "{host}");
    }
    // Orchestrators may use any name for health checks.
    let request = app.client.get(app.url("/health/ready"));
    let response = request.header(header::HOST, "node-1.example").send().await;
    assert_eq!(response.unwrap().status(), StatusCode::OK);
}

#[actix_web::test]
async fn listed_host_is_accepted() {
    let app = TestApp::spawn_with(&["--allowed-host=mien.example,other.example"]);
    let response = classify_with(&app, header::HOST, "mien.example").await;
    assert_eq!(response.status(), StatusCode::OK);
    let load = app.client.post(app.url("/v1/models/small/load"));
    let load = load.header(header::HOST, "other.example:443");
    // The requests of a reverse proxy can come from other machines.
    assert_problem(load.send().await.unwrap(), 403, "forbidden").await;
    let response = classify_with(&app, header::HOST, "evil.example").await;
    assert_problem(response, 403, "forbidden").await;
}

#[actix_web::test]
async fn request_of_foreign_page_without_origin_is_rejected() {
    let app = TestApp::spawn();
    let request = |site: &str| {
        let request = app.client.get(app.url("/v1/models"));
        request.header("sec-fetch-site", site).send()
    };
    for site in ["cross-site", "same-site"] {
        assert_problem(request(site).await.unwrap(), 403, "forbidden").await;
    }
    for site in ["same-origin", "none"] {
        assert_eq!(request(site).await.unwrap().status(), StatusCode::OK);
    }
}

#[actix_web::test]
async fn token_authorizes_requests_to_any_host() {
    let token = "a-token-of-this-test";
    let app = TestApp::spawn_with(&["--admin-token", token]);
    let request = |path: &str| {
        app.client
            .get(app.url(path))
            .header(header::HOST, "mien.example")
    };
    let response = request("/v1/models")
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let response = request("/v1/models").send().await.unwrap();
    assert_problem(response, 403, "forbidden").await;
}

#[actix_web::test]
async fn foreign_origin_is_rejected_on_loopback() {
    let app = TestApp::spawn();
    for origin in [EVIL, "null", "http://127.0.0.1:1"] {
        let response = classify_with(&app, header::ORIGIN, origin).await;
        assert!(
            !response
                .headers()
                .contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
        );
        let body = assert_problem(response, 403, "forbidden").await;
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains("--cors-origin"), "{detail}");
        let handshake = app
            .client
            .get(app.url("/v1/live"))
            .header(header::ORIGIN, origin);
        assert_problem(handshake.send().await.unwrap(), 403, "forbidden").await;
    }
    let own = app.base.clone();
    let response = classify_with(&app, header::ORIGIN, &own).await;
    assert_eq!(response.status(), StatusCode::OK);
}

fn preflight(app: &TestApp, origin: &str) -> RequestBuilder {
    app.client
        .request(Method::OPTIONS, app.url("/v1/classify"))
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            "authorization,content-type",
        )
}

#[actix_web::test]
async fn listed_origin_may_read_responses() {
    let app = TestApp::spawn_with(&["--cors-origin", PAGE]);
    let response = preflight(&app, PAGE).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN],
        PAGE
    );
    let allowed = response.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS]
        .to_str()
        .unwrap();
    assert!(
        allowed.contains("authorization") && allowed.contains("x-api-key"),
        "{allowed}"
    );

    let response = classify_with(&app, header::ORIGIN, PAGE).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN],
        PAGE
    );
    assert!(response.headers().contains_key(header::VARY));
    assert!(
        !response
            .headers()
            .contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS)
    );

    let response = preflight(&app, EVIL).send().await.unwrap();
    assert!(
        !response
            .headers()
            .contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
    );
    let response = classify_with(&app, header::ORIGIN, EVIL).await;
    assert!(
        !response
            .headers()
            .contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
    );
    assert_problem(response, 403, "forbidden").await;
    // An admin request without credentials must be from the page of the server itself.
    let load = app.client.post(app.url("/v1/models/small/load"));
    let load = load.header(header::ORIGIN, PAGE).send().await.unwrap();
    assert_problem(load, 403, "forbidden").await;
}

#[actix_web::test]
async fn cross_origin_sharing_is_off_by_default() {
    let app = TestApp::spawn();
    let response = preflight(&app, PAGE).send().await.unwrap();
    assert!(
        !response
            .headers()
            .contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
    );
    assert_problem(response, 405, "method_not_allowed").await;
}
