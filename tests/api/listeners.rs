//! Separate listeners for metrics and admin requests.

use mien::{grpc::proto::RepositoryModelLoadRequest, startup::Application};
use reqwest::StatusCode;
use tonic::{Code, transport::Endpoint};

use crate::{
    grpc,
    helpers::{TestApp, http_client, settings},
};

async fn status(method: &str, url: String) -> StatusCode {
    let method = method.parse().unwrap();
    let request = http_client().request(method, url);
    request.send().await.unwrap().status()
}

fn url(port: Option<u16>, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", port.unwrap())
}

#[actix_web::test]
async fn metrics_listener_serves_only_metrics() {
    let flags = settings(&["--metrics-addr=127.0.0.1:0"]);
    let app = Application::build(&flags).unwrap();
    let metrics = app.metrics_port();
    let mut app = TestApp::run(app);
    assert_eq!(app.get("/metrics").await.status(), StatusCode::NOT_FOUND);
    app.assert_classifies().await;
    assert_eq!(
        status("GET", url(metrics, "/metrics")).await,
        StatusCode::OK
    );
    for path in ["/v1/models", "/health/live", "/", "/docs/", "/openapi.json"] {
        assert_eq!(
            status("GET", url(metrics, path)).await,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    app.stop_and_wait().await;
    assert!(
        http_client()
            .get(url(metrics, "/metrics"))
            .send()
            .await
            .is_err()
    );
}

#[actix_web::test]
async fn admin_listener_serves_admin_requests() {
    let flags = ["--admin-addr=127.0.0.1:0", "--grpc-addr=127.0.0.1:0"];
    let app = Application::build(&settings(&flags)).unwrap();
    let admin = app.admin_port();
    let grpc_address = format!("http://127.0.0.1:{}", app.grpc_port().unwrap());
    let app = TestApp::run(app);
    let load = "/v1/models/small/load";
    assert_eq!(status("POST", app.url(load)).await, StatusCode::NOT_FOUND);
    let create = status("POST", app.url("/v1/evaluations")).await;
    assert_eq!(create, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(
        status("GET", app.url("/v1/evaluations")).await,
        StatusCode::OK
    );
    assert_eq!(status("POST", url(admin, load)).await, StatusCode::OK);
    // The web UI works on the admin listener.
    for path in [
        "/",
        "/v1/models",
        "/v1/evaluations",
        "/metrics",
        "/health/ready",
    ] {
        assert_eq!(
            status("GET", url(admin, path)).await,
            StatusCode::OK,
            "{path}"
        );
    }
    let channel = Endpoint::new(grpc_address).unwrap().connect().await;
    let mut client = grpc::Client::new(channel.unwrap());
    let request = RepositoryModelLoadRequest {
        model_name: "small".to_owned(),
        ..Default::default()
    };
    let status = client.repository_model_load(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.message().contains("--admin-addr"), "{status}");
}

#[actix_web::test]
async fn credentials_are_checked_on_every_listener() {
    let flags = settings(&[
        "--admin-addr=127.0.0.1:0",
        "--metrics-addr=127.0.0.1:0",
        "--admin-token=a-token-of-this-test",
    ]);
    let app = Application::build(&flags).unwrap();
    let (admin, metrics) = (app.admin_port(), app.metrics_port());
    let _app = TestApp::run(app);
    let load = status("POST", url(admin, "/v1/models/small/load")).await;
    assert_eq!(load, StatusCode::UNAUTHORIZED);
    let rebound = http_client()
        .get(url(metrics, "/metrics"))
        .header("host", "evil.example");
    assert_eq!(
        rebound.send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
}
