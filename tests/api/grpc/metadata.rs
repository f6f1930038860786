//! Metadata, configuration and identifiers of calls.

use mien::{
    grpc::proto::{
        ModelMetadataRequest, ModelReadyRequest, RepositoryIndexRequest, ServerLiveRequest,
        ServerMetadataRequest, ServerReadyRequest, model_config::SchedulingChoice,
    },
    startup::Application,
};
use tonic::Request;

use super::{Client, is_live, model_config, serve};
use crate::helpers::settings;

#[actix_web::test]
async fn server_is_live_and_ready() {
    let (_app, channel) = serve(&[]).await;
    let mut client = Client::new(channel);
    assert!(is_live(&mut client).await);
    assert!(
        client
            .server_ready(ServerReadyRequest {})
            .await
            .unwrap()
            .get_ref()
            .ready
    );
    let server = client
        .server_metadata(ServerMetadataRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(server.name, "mien");
}

#[actix_web::test]
async fn models_and_versions_have_readiness() {
    let (_app, channel) = serve(&[]).await;
    let mut client = Client::new(channel);
    for (name, version, ready) in [
        ("small", "", true),
        ("small", "1", true),
        ("small", "2", false),
        ("broken", "", false),
        ("nope", "", false),
    ] {
        let request = ModelReadyRequest {
            name: name.to_owned(),
            version: version.to_owned(),
        };
        let response = client.model_ready(request).await.unwrap().into_inner();
        assert_eq!(response.ready, ready, "{name} {version}");
    }
}

#[actix_web::test]
async fn model_has_metadata_and_configuration() {
    let (_app, channel) = serve(&[]).await;
    let mut client = Client::new(channel);
    let request = ModelMetadataRequest {
        name: "keras".to_owned(),
        version: String::new(),
    };
    let model = client.model_metadata(request).await.unwrap().into_inner();
    assert_eq!(
        (model.inputs[0].datatype.as_str(), model.versions),
        ("FP32", vec!["1".to_owned()])
    );
    assert_eq!(model.inputs[0].shape, [-1, 48, 48, 1]);
    let config = model_config(&mut client, "small").await;
    assert_eq!(
        (config.max_batch_size, config.input[0].dims.as_slice()),
        (64, &[1, 48, 48][..])
    );
    let Some(SchedulingChoice::DynamicBatching(batching)) = config.scheduling_choice else {
        panic!("the configuration has no dynamic batching");
    };
    assert_eq!(batching.default_queue_policy.unwrap().max_queue_size, 64);
}

#[actix_web::test]
async fn repository_index_lists_models_with_state() {
    let (_app, channel) = serve(&[]).await;
    let mut client = Client::new(channel);
    let index = client
        .repository_index(RepositoryIndexRequest::default())
        .await
        .unwrap();
    let states: Vec<_> = index
        .get_ref()
        .models
        .iter()
        .map(|m| (m.name.as_str(), m.state.as_str()))
        .collect();
    let ready = |name| (name, "READY");
    let expected = [
        ("broken", "UNAVAILABLE"),
        ready("keras"),
        ready("small"),
        ready("tiny"),
    ];
    assert_eq!(states, expected);
}

#[actix_web::test]
async fn request_ids_are_returned() {
    let (_app, channel) = serve(&[]).await;
    let mut client = Client::new(channel);
    let mut request = Request::new(ServerLiveRequest {});
    request
        .metadata_mut()
        .insert("x-request-id", "mine".parse().unwrap());
    let response = client.server_live(request).await.unwrap();
    assert_eq!(response.metadata().get("x-request-id").unwrap(), "mine");
    let response = client.server_live(ServerLiveRequest {}).await.unwrap();
    assert_eq!(response.metadata().get("x-request-id").unwrap().len(), 36);
}

#[actix_web::test]
async fn grpc_is_disabled_by_default() {
    let app = Application::build(&settings(&[])).unwrap();
    assert_eq!(app.grpc_port(), None);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let flag = format!("--grpc-addr={}", listener.local_addr().unwrap());
    let error = Application::build(&settings(&[&flag]))
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("--grpc-addr"), "{error}");
}
