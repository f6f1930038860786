//! API keys over gRPC.

use mien::{
    grpc::proto::{
        ModelInferRequest, ModelStatisticsRequest, RepositoryModelLoadRequest, ServerReadyRequest,
    },
    startup::Application,
};
use tonic::{Code, Request, transport::Endpoint};

use super::{KeyFile, all_scopes};
use crate::{
    grpc::{Client, faces},
    helpers::{TestApp, settings},
};

async fn serve(file: &KeyFile) -> (TestApp, Client) {
    let flags = ["--grpc-addr=127.0.0.1:0", &file.flag()];
    let app = Application::build(&settings(&flags)).unwrap();
    let address = format!("http://127.0.0.1:{}", app.grpc_port().unwrap());
    let app = TestApp::run(app);
    let channel = Endpoint::new(address).unwrap().connect().await.unwrap();
    (app, Client::new(channel))
}

fn with<T>(message: T, metadata: &'static str, value: &str) -> Request<T> {
    let mut request = Request::new(message);
    let value = value.parse().unwrap();
    request.metadata_mut().insert(metadata, value);
    request
}

#[actix_web::test]
async fn calls_need_key_with_scope() {
    let (_app, mut client) = serve(&all_scopes()).await;
    client.server_ready(ServerReadyRequest {}).await.unwrap();
    let infer = || faces(&["happy"]);
    let status = client.model_infer(infer()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    for (metadata, value) in [
        ("authorization", "Bearer infer-secret"),
        ("x-api-key", "infer-secret"),
    ] {
        client
            .model_infer(with(infer(), metadata, value))
            .await
            .unwrap();
    }
    let forbidden = with(infer(), "x-api-key", "metrics-secret");
    let status = client.model_infer(forbidden).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    let statistics = ModelStatisticsRequest::default();
    let statistics = with(statistics, "x-api-key", "metrics-secret");
    client.model_statistics(statistics).await.unwrap();
    for (key, expected) in [
        ("infer-secret", Err(Code::PermissionDenied)),
        ("admin-secret", Ok(())),
    ] {
        let load = RepositoryModelLoadRequest {
            model_name: "small".to_owned(),
            ..Default::default()
        };
        let loaded = client
            .repository_model_load(with(load, "x-api-key", key))
            .await;
        assert_eq!(loaded.map(drop).map_err(|status| status.code()), expected);
    }
}

#[actix_web::test]
async fn exceeded_limit_is_resource_exhausted_with_pushback() {
    let fields = "images_per_second = 0.001\nburst = 2";
    let (_app, mut client) = serve(&KeyFile::new(&[("slow", "\"infer\"", fields)])).await;
    let request = |classes: &[&str]| with(faces(classes), "x-api-key", "slow-secret");
    client
        .model_infer(request(&["happy", "sad"]))
        .await
        .unwrap();
    let status = client.model_infer(request(&["happy"])).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap();
    let pushback: u64 = pushback.to_str().unwrap().parse().unwrap();
    assert!((900_000..=1_000_000).contains(&pushback), "{pushback}");
    let never = request(&["happy", "happy", "happy"]);
    let status = client.model_infer(never).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(!status.metadata().contains_key("grpc-retry-pushback-ms"));

    // Each request of a stream counts.
    let requests = tokio_stream([faces(&["happy"])]);
    let stream = with(requests, "x-api-key", "slow-secret");
    let mut responses = client
        .model_stream_infer(stream)
        .await
        .unwrap()
        .into_inner();
    let response = responses.message().await.unwrap().unwrap();
    assert!(response.error_message.contains("`slow`"), "{response:?}");
}

fn tokio_stream<const N: usize>(
    requests: [ModelInferRequest; N],
) -> impl futures_util::Stream<Item = ModelInferRequest> {
    futures_util::stream::iter(requests)
}
