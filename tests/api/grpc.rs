//! The Open Inference Protocol v2 over gRPC.

mod errors;
mod infer;
mod limits;
mod memory;
mod metadata;
mod shutdown;

use std::collections::HashMap;

use mien::{
    grpc::proto::{
        InferParameter, ModelConfig, ModelConfigRequest, ModelInferRequest, ServerLiveRequest,
        grpc_inference_service_client::GrpcInferenceServiceClient,
        infer_parameter::ParameterChoice, model_infer_request::InferInputTensor,
    },
    startup::Application,
};
use prost::Message;
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};

use crate::{
    helpers::{TestApp, settings},
    v2::gray,
};

pub(crate) type Client = GrpcInferenceServiceClient<Channel>;

/// Starts a server and returns it with its gRPC address.
fn start(flags: &[&str]) -> (TestApp, String) {
    let flags = [&["--grpc-addr=localhost:0"], flags].concat();
    let app = Application::build(&settings(&flags)).unwrap();
    let address = format!("http://127.0.0.1:{}", app.grpc_port().unwrap());
    (TestApp::run(app), address)
}

pub(crate) async fn connect(address: &str) -> Channel {
    Endpoint::new(address.to_owned())
        .unwrap()
        .connect()
        .await
        .unwrap()
}

/// Starts a server and connects to it.
pub(crate) async fn serve(flags: &[&str]) -> (TestApp, Channel) {
    let (app, address) = start(flags);
    (app, connect(&address).await)
}

/// Returns whether the server is live.
async fn is_live(client: &mut Client) -> bool {
    let response = client.server_live(ServerLiveRequest {}).await.unwrap();
    response.into_inner().live
}

/// Returns the configuration of a model.
pub(crate) async fn model_config(client: &mut Client, model: &str) -> ModelConfig {
    let request = ModelConfigRequest {
        name: model.to_owned(),
        version: String::new(),
    };
    let response = client.model_config(request).await.unwrap().into_inner();
    response.config.unwrap()
}

/// Creates a request with gray faces in raw bytes for the model `small`.
pub(crate) fn faces(classes: &[&str]) -> ModelInferRequest {
    let gray: Vec<u8> = classes.iter().flat_map(|class| gray(class)).collect();
    let shape = vec![i64::try_from(classes.len()).unwrap(), 1, 48, 48];
    ModelInferRequest {
        model_name: "small".to_owned(),
        inputs: vec![InferInputTensor {
            name: "image".to_owned(),
            datatype: "UINT8".to_owned(),
            shape,
            ..Default::default()
        }],
        raw_input_contents: vec![gray.into()],
        ..Default::default()
    }
}

/// Returns the bytes of a message in a call: the prefix with its length, and the message (gRPC over HTTP/2,
/// "Length-Prefixed-Message").
fn framed(message: &ModelInferRequest) -> Vec<u8> {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], &message].concat()
}

fn parameter(name: &str, value: ParameterChoice) -> HashMap<String, InferParameter> {
    HashMap::from([(
        name.to_owned(),
        InferParameter {
            parameter_choice: Some(value),
        },
    )])
}

/// Sends a request that must fail, and returns code and message of its status.
async fn code(client: &mut Client, request: ModelInferRequest) -> (Code, String) {
    let status = client.model_infer(request).await.unwrap_err();
    (status.code(), status.message().to_owned())
}
