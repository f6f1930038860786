//! Authorization of admin requests.

use std::io::{Read, Write};

use actix_web::web;
use mien::{
    grpc::proto::{
        RepositoryModelLoadRequest, RepositoryModelUnloadRequest, ServerLiveRequest,
        grpc_inference_service_client::GrpcInferenceServiceClient,
    },
    startup::Application,
};
use reqwest::{Client, RequestBuilder, StatusCode, header};
use serde_json::json;
use tonic::{Code, Request, transport::Endpoint};

use crate::{
    evaluations::{STUCK, data_set, spawn},
    helpers::{TestApp, assert_problem, connect, face, send, settings},
};

const TOKEN: &str = "a-token-of-this-test";
const V1: [&str; 2] = ["/v1/models/small/unload", "/v1/models/small/load"];
const V2: [&str; 2] = [
    "/v2/repository/models/small/unload",
    "/v2/repository/models/small/load",
];

fn post(app: &TestApp, path: &str) -> RequestBuilder {
    app.client.post(app.url(path))
}

#[actix_web::test]
async fn admin_requests_require_configured_token() {
    let app = TestApp::spawn_with(&["--admin-token", TOKEN]);
    for path in V1 {
        let response = post(&app, path).send().await.unwrap();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
        let body = assert_problem(response, 401, "unauthorized").await;
        assert!(!body.to_string().contains(TOKEN), "{body}");
        let wrong = post(&app, path)
            .bearer_auth("another-token-here")
            .send()
            .await
            .unwrap();
        assert_problem(wrong, 401, "unauthorized").await;
    }
    for path in V2 {
        let response = post(&app, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(response.text().await.unwrap().starts_with("{\"error\":"));
    }
    // Other requests need no token.
    send(app.classify("?model=small", face("happy"))).await;
    for path in V1.into_iter().chain(V2) {
        let response = post(&app, path).bearer_auth(TOKEN).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
    send(app.classify("?model=small", face("happy"))).await;
}

#[actix_web::test]
async fn evaluations_require_configured_token() {
    let data = data_set();
    let mut app = spawn(&data, &[STUCK[0], STUCK[1], "--admin-token", TOKEN]);
    let spec = json!({"dataset": "faces"});
    assert_problem(app.post_evaluation(&spec).await, 401, "unauthorized").await;
    // The token is checked before the body.
    assert_problem(app.post_evaluation(&json!(1)).await, 401, "unauthorized").await;
    let stranger = app.client.clone();
    app.authorize(TOKEN);
    let location = app.start_evaluation(&spec).await;
    let cancel = async |client: &Client| client.delete(app.url(&location)).send().await.unwrap();
    assert_problem(cancel(&stranger).await, 401, "unauthorized").await;
    // Read requests do not need the token.
    let list = stranger.get(app.url("/v1/evaluations")).send().await;
    assert_eq!(list.unwrap().status(), StatusCode::OK);
    assert_eq!(cancel(&app.client).await.status(), StatusCode::OK);
    app.until_evaluation(&location, "cancelled").await;
}

#[actix_web::test]
async fn admin_requests_of_proxies_are_rejected_without_token() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let evaluation = || post(&app, "/v1/evaluations").json(&json!({"dataset": "faces"}));
    for (name, value) in [
        ("host", "faces.example"),
        ("host", ""),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-proto", "https"),
        ("x-real-ip", "192.0.2.1"),
        ("forwarded", "for=192.0.2.1"),
        ("via", "1.1 proxy"),
    ] {
        for request in [post(&app, V1[1]), evaluation()] {
            let response = request.header(name, value).send().await.unwrap();
            let body = assert_problem(response, 403, "forbidden").await;
            let detail = body["detail"].as_str().unwrap();
            assert!(detail.contains("MIEN_ADMIN_TOKEN"), "{name}: {detail}");
        }
        let classify = app.classify("", face("happy")).header(name, value);
        let expected = if name == "host" {
            StatusCode::FORBIDDEN
        } else {
            StatusCode::OK
        };
        assert_eq!(classify.send().await.unwrap().status(), expected);
    }
    // In the absolute form of a request target, both the target and the `Host` header must be local.
    let base = app.base.clone();
    let exchange = move || {
        let mut stream = connect(&base);
        let head = format!("POST http://faces.example{} HTTP/1.1", V1[1]);
        let request = format!("{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    };
    let response = web::block(exchange).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 403"), "{response}");
    let local = post(&app, V1[1]).send().await.unwrap();
    assert_eq!(local.status(), StatusCode::OK);
    assert_eq!(
        evaluation().send().await.unwrap().status(),
        StatusCode::ACCEPTED
    );
}

#[actix_web::test]
async fn cross_origin_admin_requests_are_rejected() {
    let app = TestApp::spawn();
    let own = app.base.clone();
    for path in V1 {
        let request_with = |origin: &str| post(&app, path).header(header::ORIGIN, origin).send();
        assert_problem(
            request_with("https://evil.example").await.unwrap(),
            403,
            "forbidden",
        )
        .await;
        assert_problem(request_with("null").await.unwrap(), 403, "forbidden").await;
        assert_eq!(request_with(&own).await.unwrap().status(), StatusCode::OK);
    }
}

#[actix_web::test]
async fn admin_api_is_disabled_without_token_on_public_address() {
    let mut open = settings(&[]);
    open.addr = "0.0.0.0:0".parse().unwrap();
    let app = TestApp::run(Application::build(&open).unwrap());
    for path in V1 {
        assert_problem(post(&app, path).send().await.unwrap(), 403, "forbidden").await;
    }
    send(app.classify("?model=small", face("happy"))).await;
}

#[actix_web::test]
async fn grpc_admin_requests_of_proxies_are_rejected_without_token() {
    let app = Application::build(&settings(&["--grpc-addr=127.0.0.1:0"])).unwrap();
    let address = format!("http://127.0.0.1:{}", app.grpc_port().unwrap());
    let _app = TestApp::run(app);
    let load = || {
        let model_name = "small".to_owned();
        Request::new(RepositoryModelLoadRequest {
            model_name,
            ..Default::default()
        })
    };
    let endpoint = || Endpoint::new(address.clone()).unwrap();
    let proxied = endpoint().origin("http://faces.example".parse().unwrap());
    let mut client = GrpcInferenceServiceClient::new(proxied.connect().await.unwrap());
    let status = client.repository_model_load(load()).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    let live = client.server_live(ServerLiveRequest {}).await;
    assert!(live.unwrap().into_inner().live);

    let mut client = GrpcInferenceServiceClient::new(endpoint().connect().await.unwrap());
    let mut forwarded = load();
    let address = "192.0.2.1".parse().unwrap();
    forwarded.metadata_mut().insert("x-forwarded-for", address);
    let status = client.repository_model_load(forwarded).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    client.repository_model_load(load()).await.unwrap();
}

#[actix_web::test]
async fn grpc_admin_requests_require_token() {
    let flags = ["--grpc-addr=127.0.0.1:0", "--admin-token", TOKEN];
    let app = Application::build(&settings(&flags)).unwrap();
    let address = format!("http://127.0.0.1:{}", app.grpc_port().unwrap());
    let _app = TestApp::run(app);
    let channel = Endpoint::new(address).unwrap().connect().await.unwrap();
    let mut client = GrpcInferenceServiceClient::new(channel);
    let request_with = |token: Option<&str>| {
        let model_name = "small".to_owned();
        let mut request = Request::new(RepositoryModelUnloadRequest {
            model_name,
            ..Default::default()
        });
        if let Some(token) = token {
            let bearer = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", bearer);
        }
        request
    };
    for wrong in [None, Some("another-token-here")] {
        let status = client
            .repository_model_unload(request_with(wrong))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
    }
    client
        .repository_model_unload(request_with(Some(TOKEN)))
        .await
        .unwrap();
}
