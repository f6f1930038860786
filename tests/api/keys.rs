//! API keys: scopes, limits, usage and reload.

mod command;
mod grpc;
mod limits;
mod reload;
mod websocket;

use std::{fs, path::PathBuf};

use mien::auth::keys::secret;
use reqwest::{Method, StatusCode};
use tempfile::TempDir;

use crate::helpers::{TestApp, assert_problem, face};

const TOKEN: &str = "a-token-of-this-test";

/// A file of API keys. The secret of a key is its name and `-secret`.
pub(crate) struct KeyFile {
    _directory: TempDir,
    path: PathBuf,
}

impl KeyFile {
    /// Creates a file of keys with names, scopes and further fields.
    fn new(keys: &[(&str, &str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.toml");
        let file = Self {
            _directory: directory,
            path,
        };
        file.write(&entries(keys));
        file
    }

    fn write(&self, text: &str) {
        fs::write(&self.path, text).unwrap();
    }

    fn flag(&self) -> String {
        format!("--api-keys={}", self.path.display())
    }

    fn serve(&self, flags: &[&str]) -> TestApp {
        let flag = self.flag();
        TestApp::spawn_with(&[&[flag.as_str()], flags].concat())
    }
}

fn entries(keys: &[(&str, &str, &str)]) -> String {
    let entry = |&(name, scopes, fields): &(&str, &str, &str)| {
        let hash = secret::sha256(&format!("{name}-secret"));
        format!("[[key]]\nname = \"{name}\"\nsha256 = \"{hash}\"\nscopes = [{scopes}]\n{fields}\n")
    };
    keys.iter().map(entry).collect()
}

/// One key per scope.
fn all_scopes() -> KeyFile {
    KeyFile::new(&[
        ("infer", "\"infer\"", ""),
        ("evaluate", "\"evaluate\"", ""),
        ("admin", "\"admin\"", ""),
        ("metrics", "\"metrics\"", ""),
    ])
}

/// Sends a request with a key and returns its status.
async fn status(app: &TestApp, method: &str, path: &str, key: &str) -> u16 {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let request = app.client.request(method, app.url(path)).bearer_auth(key);
    request.send().await.unwrap().status().as_u16()
}

#[actix_web::test]
async fn requests_need_key_with_scope() {
    let file = all_scopes();
    let app = file.serve(&[]);
    let routes = [
        ("POST", "/v1/classify", "infer"),
        ("POST", "/v1/explain", "infer"),
        ("POST", "/analyze", "infer"),
        ("POST", "/v2/models/small/infer", "infer"),
        ("GET", "/v1/live", "infer"),
        ("GET", "/v1/models", "infer evaluate admin"),
        ("GET", "/v2/models/small", "infer evaluate admin"),
        ("GET", "/v2/models/stats", "infer evaluate admin metrics"),
        ("GET", "/v1/evaluations", "evaluate"),
        ("POST", "/v1/evaluations", "evaluate"),
        ("GET", "/v1/datasets", "evaluate"),
        ("GET", "/v1/models/small/promotions", "evaluate admin"),
        ("POST", "/v1/models/small/promotions", "admin"),
        ("POST", "/v1/models/small/load", "admin"),
        ("POST", "/v2/repository/models/small/load", "admin"),
        ("GET", "/metrics", "metrics"),
    ];
    for (method, path, scopes) in routes {
        assert_eq!(
            status(&app, method, path, "wrong-secret").await,
            401,
            "{path}"
        );
        for scope in ["infer", "evaluate", "admin", "metrics"] {
            let status = status(&app, method, path, &format!("{scope}-secret")).await;
            let is_allowed = scopes.split(' ').any(|allowed| allowed == scope);
            assert_eq!(status == 403, !is_allowed, "{scope}: {method} {path}");
            assert_ne!(status, 401, "{scope}: {method} {path}");
        }
    }
}

#[actix_web::test]
async fn public_routes_need_no_key() {
    let file = all_scopes();
    let app = file.serve(&[]);
    for path in [
        "/health/live",
        "/health/ready",
        "/v2/health/ready",
        "/v2",
        "/openapi.json",
        "/docs/",
        "/",
        "/web/main.js",
    ] {
        assert_eq!(app.get(path).await.status(), StatusCode::OK, "{path}");
    }
    assert_eq!(app.get("/nope").await.status(), StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn key_is_read_from_both_headers() {
    let file = all_scopes();
    let app = file.serve(&[]);
    let classify = || app.classify("?model=small", face("happy"));
    for header in ["x-api-key", "X-API-Key"] {
        let response = classify().header(header, "infer-secret").send().await;
        assert_eq!(response.unwrap().status(), StatusCode::OK);
    }
    let response = classify().bearer_auth("infer-secret").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    for request in [
        classify(),
        classify().header("x-api-key", "infer-secret2"),
        classify().header("authorization", "infer-secret"),
        classify().query(&[("api_key", "infer-secret")]),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        let body = assert_problem(response, 401, "unauthorized").await;
        assert!(!body.to_string().contains("infer-secret"), "{body}");
    }
    let forbidden = classify().bearer_auth("metrics-secret").send().await;
    let body = assert_problem(forbidden.unwrap(), 403, "forbidden").await;
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains("`infer`"), "{detail}");
}

#[actix_web::test]
async fn key_is_checked_before_body() {
    let file = all_scopes();
    let app = file.serve(&["--max-body=1KiB"]);
    let request = app.classify("", vec![0; 64 << 10]);
    assert_problem(request.send().await.unwrap(), 401, "unauthorized").await;
}

#[actix_web::test]
async fn admin_token_is_valid_for_every_scope() {
    let file = all_scopes();
    let app = file.serve(&["--admin-token", TOKEN]);
    for (method, path) in [
        ("POST", "/v1/models/small/load"),
        ("GET", "/metrics"),
        ("GET", "/v1/evaluations"),
    ] {
        assert_eq!(status(&app, method, path, TOKEN).await, 200, "{path}");
        assert_eq!(
            status(&app, method, path, "a-token-of-this-tesT").await,
            401
        );
    }
}

#[actix_web::test]
async fn local_admin_requests_need_key_if_there_are_keys() {
    let file = all_scopes();
    let app = file.serve(&[]);
    let load = app.client.post(app.url("/v1/models/small/load"));
    assert_problem(load.send().await.unwrap(), 401, "unauthorized").await;
}

#[actix_web::test]
async fn usage_is_counted_per_key() {
    let file = all_scopes();
    let mut app = file.serve(&[]);
    let faces = || [face("happy"), face("sad")];
    let request = app.classify_many("?model=small", faces());
    let response = request.bearer_auth("infer-secret").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    status(&app, "POST", "/v1/classify", "admin-secret").await;
    status(&app, "POST", "/v1/classify", "unknown-secret").await;
    app.authorize("metrics-secret");
    for (series, value) in [
        ("mien_key_images_total{key=\"infer\"}", 2.0),
        ("mien_key_images_total{key=\"admin\"}", 0.0),
        (
            "mien_key_requests_total{key=\"infer\",outcome=\"accepted\"}",
            1.0,
        ),
        (
            "mien_key_requests_total{key=\"admin\",outcome=\"forbidden\"}",
            1.0,
        ),
        ("mien_key_limited_total{key=\"infer\",limit=\"rate\"}", 0.0),
        ("mien_unauthorized_requests_total", 1.0),
    ] {
        assert_eq!(app.metric(series).await, value, "{series}");
    }
}
