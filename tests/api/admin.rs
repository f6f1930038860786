//! Authorization of admin requests.

use mien::{
    grpc::proto::{
        RepositoryModelUnloadRequest, grpc_inference_service_client::GrpcInferenceServiceClient,
    },
    startup::Application,
};
use reqwest::{RequestBuilder, StatusCode, header};
use tonic::{Code, Request, transport::Endpoint};

use crate::helpers::{TestApp, assert_problem, face, send, settings};

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
