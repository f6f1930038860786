//! The inference protocol v2 over gRPC: the calls, the status codes, health, reflection and the drain.

mod limits;

use std::collections::HashMap;

use actix_web::rt;
use futures_util::{StreamExt, stream};
use mien::{
    grpc::proto::{
        InferParameter, InferTensorContents, ModelConfigRequest, ModelInferRequest,
        ModelInferResponse, ModelMetadataRequest, ModelReadyRequest, ModelStatisticsRequest,
        RepositoryIndexRequest, ServerLiveRequest, ServerMetadataRequest, ServerReadyRequest,
        grpc_inference_service_client::GrpcInferenceServiceClient,
        infer_parameter::ParameterChoice,
        model_config::SchedulingChoice,
        model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
    },
    startup::Application,
};
use prost::Message;
use tonic::{
    Code, Request, Status,
    codec::CompressionEncoding,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, face, http_2, send, settings},
    v2::{floats, gray},
};

type Client = GrpcInferenceServiceClient<Channel>;

/// A server and its address for gRPC.
fn start(flags: &[&str]) -> (TestApp, String) {
    let flags = [&["--grpc-addr=127.0.0.1:0"], flags].concat();
    let app = Application::build(&settings(&flags)).unwrap();
    let address = format!("http://127.0.0.1:{}", app.grpc_port().unwrap());
    (TestApp::run(app), address)
}

async fn connect(address: &str) -> Channel {
    Endpoint::new(address.to_owned())
        .unwrap()
        .connect()
        .await
        .unwrap()
}

/// A server, and a connection to it.
async fn serve(flags: &[&str]) -> (TestApp, Channel) {
    let (app, address) = start(flags);
    (app, connect(&address).await)
}

/// Gray faces for the model `small`, in raw bytes.
fn faces(classes: &[&str]) -> ModelInferRequest {
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

fn parameter(name: &str, value: ParameterChoice) -> HashMap<String, InferParameter> {
    HashMap::from([(
        name.to_owned(),
        InferParameter {
            parameter_choice: Some(value),
        },
    )])
}

/// The answer as HTTP gives it to the same request: name of the output -> its bytes.
async fn over_http(app: &TestApp, classes: &[&str]) -> Vec<f32> {
    let gray: Vec<u8> = classes.iter().flat_map(|class| gray(class)).collect();
    let request = app.client.post(app.url("/v2/models/small/infer"));
    let request = request
        .header("inference-header-content-length", 0)
        .body(gray);
    let response = request.send().await.unwrap();
    let header = response.headers()["inference-header-content-length"]
        .to_str()
        .unwrap();
    let header: usize = header.parse().unwrap();
    floats(&response.bytes().await.unwrap()[header..])
}

fn close(given: &[f32], wanted: &[f32]) {
    assert_eq!(given.len(), wanted.len());
    let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-4;
    assert!(given.iter().zip(wanted).all(close), "{given:?} {wanted:?}");
}

fn values(response: &ModelInferResponse) -> Vec<f32> {
    response
        .raw_output_contents
        .iter()
        .flat_map(|raw| floats(raw))
        .collect()
}

#[actix_web::test]
async fn server_and_models_return_metadata() {
    let (_app, channel) = serve(&[]).await;
    let mut client = Client::new(channel);
    assert!(
        client
            .server_live(ServerLiveRequest {})
            .await
            .unwrap()
            .get_ref()
            .live
    );
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
        let answer = client.model_ready(request).await.unwrap().into_inner();
        assert_eq!(answer.ready, ready, "{name} {version}");
    }
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
    let request = ModelConfigRequest {
        name: "small".to_owned(),
        version: String::new(),
    };
    let config = client
        .model_config(request)
        .await
        .unwrap()
        .into_inner()
        .config
        .unwrap();
    assert_eq!(
        (config.max_batch_size, config.input[0].dims.as_slice()),
        (64, &[1, 48, 48][..])
    );
    let Some(SchedulingChoice::DynamicBatching(batching)) = config.scheduling_choice else {
        panic!("it batches");
    };
    assert_eq!(batching.default_queue_policy.unwrap().max_queue_size, 64);
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
async fn grpc_responses_equal_http_responses() {
    let (app, channel) = serve(&[]).await;
    let mut client = Client::new(channel);
    let classes = ["happy", "sad", "fear"];
    let wanted = over_http(&app, &classes).await;
    let mut request = faces(&classes);
    request.id = "mine".to_owned();
    let response = client.model_infer(request).await.unwrap().into_inner();
    assert_eq!(
        (response.id.as_str(), response.model_version.as_str()),
        ("mine", "1")
    );
    assert_eq!(response.outputs[0].shape, [3, 7]);
    close(&values(&response), &wanted);

    // The lists of a message in place of raw bytes.
    let mut request = faces(&classes);
    let raw = std::mem::take(&mut request.raw_input_contents);
    let uint_contents = raw[0].iter().map(|&gray| gray.into()).collect();
    request.inputs[0].contents = Some(InferTensorContents {
        uint_contents,
        ..Default::default()
    });
    close(
        &values(&client.model_infer(request).await.unwrap().into_inner()),
        &wanted,
    );

    // Encoded pictures.
    let mut request = faces(&[]);
    request.raw_input_contents.clear();
    request.inputs[0].datatype = "BYTES".to_owned();
    request.inputs[0].shape = vec![3];
    let bytes_contents = classes.map(|class| face(class).into()).to_vec();
    request.inputs[0].contents = Some(InferTensorContents {
        bytes_contents,
        ..Default::default()
    });
    close(
        &values(&client.model_infer(request).await.unwrap().into_inner()),
        &wanted,
    );

    // Compressed in both directions.
    for encoding in [CompressionEncoding::Gzip, CompressionEncoding::Deflate] {
        let mut client = client
            .clone()
            .send_compressed(encoding)
            .accept_compressed(encoding);
        close(
            &values(
                &client
                    .model_infer(faces(&classes))
                    .await
                    .unwrap()
                    .into_inner(),
            ),
            &wanted,
        );
    }

    let request = ModelStatisticsRequest {
        name: "small".to_owned(),
        version: String::new(),
    };
    let stats = client.model_statistics(request).await.unwrap().into_inner();
    assert_eq!(stats.model_stats[0].inference_count, 18);
    let calls = "mien_grpc_requests_total{code=\"ok\",method=\"inference.GRPCInferenceService/ModelInfer\"}";
    assert_eq!(app.metric(calls).await, 5.0);
    assert_eq!(
        app.metric("mien_images_total{model=\"small\",outcome=\"ok\"}")
            .await,
        18.0
    );
}

#[actix_web::test]
async fn float_model_accepts_float_tensors() {
    let (_app, channel) = serve(&[]).await;
    let mut client = Client::new(channel);
    let scaled: Vec<f32> = gray("angry")
        .into_iter()
        .map(|gray| f32::from(gray) / 255.0)
        .collect();
    let mut request = faces(&["angry"]);
    request.model_name = "keras".to_owned();
    request.inputs[0].name = "input_1".to_owned();
    request.inputs[0].datatype = "FP32".to_owned();
    request.inputs[0].shape = vec![1, 48, 48, 1];
    let raw: Vec<u8> = scaled
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    request.raw_input_contents = vec![raw.into()];
    let first = values(
        &client
            .model_infer(request.clone())
            .await
            .unwrap()
            .into_inner(),
    );
    request.raw_input_contents.clear();
    let contents = InferTensorContents {
        fp32_contents: scaled,
        ..Default::default()
    };
    request.inputs[0].contents = Some(contents);
    let second = values(&client.model_infer(request).await.unwrap().into_inner());
    assert_eq!((first.len(), &first), (7, &second));
}

#[actix_web::test]
async fn requested_outputs_and_classes_are_returned() {
    let (_app, channel) = serve(&[]).await;
    let mut client = Client::new(channel);
    let mut request = faces(&["happy"]);
    request.outputs = vec![InferRequestedOutputTensor {
        name: "probabilities".to_owned(),
        parameters: parameter("classification", ParameterChoice::Int64Param(2)),
    }];
    let response = client.model_infer(request).await.unwrap().into_inner();
    let [output] = response.outputs.as_slice() else {
        panic!("one output")
    };
    assert_eq!(
        (output.datatype.as_str(), output.shape.as_slice()),
        ("BYTES", &[1, 2][..])
    );
    let raw = &response.raw_output_contents[0];
    let length = usize::try_from(u32::from_le_bytes(raw[..4].try_into().unwrap())).unwrap();
    let first = std::str::from_utf8(&raw[4..4 + length]).unwrap();
    assert_eq!(first.split(':').count(), 3, "{first}");
}

async fn code(client: &mut Client, request: ModelInferRequest) -> (Code, String) {
    let status = client.model_infer(request).await.unwrap_err();
    (status.code(), status.message().to_owned())
}

#[actix_web::test]
async fn invalid_requests_have_grpc_codes() {
    let (_app, channel) = serve(&["--max-images=2", "--max-body=100kB"]).await;
    let client = &mut Client::new(channel);
    let change = |change: fn(&mut ModelInferRequest)| {
        let mut request = faces(&["happy"]);
        change(&mut request);
        request
    };
    for (request, expected) in [
        (change(|r| r.model_name = "nope".to_owned()), Code::NotFound),
        (change(|r| r.model_name.clear()), Code::NotFound),
        (change(|r| r.model_version = "2".to_owned()), Code::NotFound),
        (change(|r| r.inputs.clear()), Code::InvalidArgument),
        (change(|r| r.inputs[0].name.clear()), Code::InvalidArgument),
        (
            change(|r| r.inputs[0].datatype = "FP32".to_owned()),
            Code::InvalidArgument,
        ),
        (
            change(|r| r.inputs[0].shape = vec![1, 48, 48]),
            Code::InvalidArgument,
        ),
        (
            change(|r| r.raw_input_contents.clear()),
            Code::InvalidArgument,
        ),
        (
            change(|r| r.raw_input_contents.push(Default::default())),
            Code::InvalidArgument,
        ),
        (
            change(|r| r.raw_input_contents[0].truncate(9)),
            Code::InvalidArgument,
        ),
        (
            change(|r| {
                let contents = InferTensorContents {
                    uint_contents: vec![1],
                    ..Default::default()
                };
                r.inputs[0].contents = Some(contents);
            }),
            Code::InvalidArgument,
        ),
        (
            change(|r| {
                r.parameters = parameter("timeout", ParameterChoice::StringParam("x".to_owned()));
            }),
            Code::InvalidArgument,
        ),
        (
            change(|r| {
                r.inputs[0].parameters =
                    parameter("shared_memory_region", ParameterChoice::BoolParam(true));
            }),
            Code::InvalidArgument,
        ),
        (faces(&["happy", "sad", "fear"]), Code::InvalidArgument),
        (
            change(|r| r.raw_input_contents[0] = vec![0; 200_000].into()),
            Code::OutOfRange,
        ),
    ] {
        let (given, message) = code(client, request).await;
        assert_eq!(given, expected, "{message}");
        assert!(!message.is_empty());
    }
    // A compressed message counts unpacked.
    let packed = &mut client.clone().send_compressed(CompressionEncoding::Gzip);
    let bomb = change(|r| r.raw_input_contents[0] = vec![0; 10_000_000].into());
    assert_eq!(code(packed, bomb).await.0, Code::ResourceExhausted);
}

/// The status code that the server gives to a request with this `grpc-timeout`. By hand, for a client of gRPC keeps the
/// time itself.
async fn raw_code(address: &str, timeout: &str) -> i32 {
    let message = faces(&["happy"]).encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let client = http_2();
    let request = client.post(format!(
        "{address}/inference.GRPCInferenceService/ModelInfer"
    ));
    let request = request
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    let body = [&[0], &length[..], &message].concat();
    let response = request
        .header("grpc-timeout", timeout)
        .body(body)
        .send()
        .await
        .unwrap();
    response.headers()["grpc-status"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

#[actix_web::test]
async fn deadline_comes_from_parameter_or_call() {
    let (_app, address) = start(&["--max-queue-delay=1h", "--instances=1"]);
    let mut client = Client::new(connect(&address).await);
    let mut request = faces(&["happy"]);
    request.parameters = parameter("timeout", ParameterChoice::Int64Param(20_000));
    assert_eq!(code(&mut client, request).await.0, Code::DeadlineExceeded);
    assert_eq!(
        raw_code(&address, "20m").await,
        i32::from(Code::DeadlineExceeded)
    );
}

#[actix_web::test]
async fn full_queue_rejects_with_retry() {
    let flags = [
        "--max-queue-delay=1h",
        "--instances=1",
        "--max-queue-size=2",
        "--max-images=2",
    ];
    let (app, channel) = serve(&flags).await;
    let mut client = Client::new(channel);
    let mut waiting = client.clone();
    let waiting = rt::spawn(async move { waiting.model_infer(faces(&["happy"])).await });
    app.until_metric("mien_queue_images{model=\"small\"}", 1.0)
        .await;
    let status = client
        .model_infer(faces(&["sad", "fear"]))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap();
    assert!(pushback.to_str().unwrap().parse::<u64>().unwrap() >= 1000);
    waiting.abort();
}

#[actix_web::test]
async fn stream_responses_keep_request_order() {
    let (app, channel) = serve(&[]).await;
    let mut client = Client::new(channel);
    let classes = ["happy", "sad", "fear", "angry", "neutral"];
    let wanted = over_http(&app, &["angry"]).await;
    let mut requests: Vec<_> = (0..100).map(|index| faces(&[classes[index % 5]])).collect();
    for (index, request) in requests.iter_mut().enumerate() {
        request.id = index.to_string();
    }
    requests[50].model_name = "nope".to_owned();
    let answers = client
        .model_stream_infer(stream::iter(requests))
        .await
        .unwrap()
        .into_inner();
    let answers: Vec<_> = answers.collect().await;
    assert_eq!(answers.len(), 100);
    for (index, answer) in answers.into_iter().enumerate() {
        let answer = answer.unwrap();
        let response = answer.infer_response.unwrap();
        assert_eq!(response.id, index.to_string());
        assert_eq!(
            answer.error_message.contains("nope"),
            index == 50,
            "{index}"
        );
        if index % 5 == 3 {
            close(&values(&response), &wanted);
        }
    }
}

#[actix_web::test]
async fn request_ids_are_returned() {
    let (_app, channel) = serve(&[]).await;
    let mut client = Client::new(channel);
    let mut request = Request::new(ServerLiveRequest {});
    request
        .metadata_mut()
        .insert("x-request-id", "mine".parse().unwrap());
    let answer = client.server_live(request).await.unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap(), "mine");
    let answer = client.server_live(ServerLiveRequest {}).await.unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap().len(), 36);
}

async fn health(client: &mut HealthClient<Channel>, service: &str) -> Result<i32, Status> {
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    client
        .check(request)
        .await
        .map(|answer| answer.into_inner().status)
}

#[actix_web::test]
async fn health_watch_reports_shutdown() {
    let (mut app, channel) = serve(&["--drain-delay=1s", "--max-queue-delay=300ms"]).await;
    let (mut checks, mut client) = (HealthClient::new(channel.clone()), Client::new(channel));
    let (serving, not_serving) = (1, 2);
    for service in ["", "inference.GRPCInferenceService"] {
        assert_eq!(health(&mut checks, service).await.unwrap(), serving);
    }
    assert_eq!(
        health(&mut checks, "nope").await.unwrap_err().code(),
        Code::NotFound
    );
    let request = HealthCheckRequest::default();
    let mut watched = checks.watch(request).await.unwrap().into_inner();
    assert_eq!(watched.next().await.unwrap().unwrap().status, serving);

    // A stream that its client leaves open does not hold the server up.
    let open = stream::iter([faces(&["happy"])]).chain(stream::pending());
    let mut open = client.model_stream_infer(open).await.unwrap().into_inner();
    assert_eq!(open.next().await.unwrap().unwrap().error_message, "");

    app.stop();
    assert_eq!(watched.next().await.unwrap().unwrap().status, not_serving);
    assert_eq!(health(&mut checks, "").await.unwrap(), not_serving);
    assert!(
        !client
            .server_ready(ServerReadyRequest {})
            .await
            .unwrap()
            .get_ref()
            .ready
    );
    // Still answered, for the listener stays open for the delay.
    assert!(client.model_infer(faces(&["happy"])).await.is_ok());
    // Both streams end. What this client makes of the connection that closes behind them may come before.
    let ends = [
        watched.next().await.map(|end| end.map(drop)),
        open.next().await.map(|end| end.map(drop)),
    ];
    assert!(
        ends.iter().all(|end| !matches!(end, Some(Ok(())))),
        "they end with the server: {ends:?}"
    );
    eventually(TIMEOUT, "the port is closed", async || {
        client.server_live(ServerLiveRequest {}).await.err()
    })
    .await;
}

#[actix_web::test]
async fn pending_call_completes_during_shutdown() {
    let (mut app, channel) =
        serve(&["--max-queue-delay=2s", "--max-batch=9", "--instances=1"]).await;
    let mut client = Client::new(channel);
    let held = rt::spawn(async move { client.model_infer(faces(&["happy"])).await });
    app.until_metric("mien_queue_images{model=\"small\"}", 1.0)
        .await;
    app.stop();
    assert_eq!(held.await.unwrap().unwrap().get_ref().model_name, "small");
    app.stop_and_wait().await;
}

#[actix_web::test]
async fn disconnected_client_frees_queue() {
    let (app, channel) = serve(&["--max-queue-delay=1h", "--max-batch=9", "--instances=1"]).await;
    let mut client = Client::new(channel);
    let gone = rt::spawn(async move { client.model_infer(faces(&["happy", "sad"])).await });
    app.until_metric("mien_queue_images{model=\"small\"}", 2.0)
        .await;
    gone.abort();
    let call = "method=\"inference.GRPCInferenceService/ModelInfer\"";
    app.until_metrics_contain(&format!(
        "mien_grpc_requests_total{{code=\"cancelled\",{call}}}"
    ))
    .await;
    // The next batch of nine leaves them out.
    let (status, _) = send(app.classify_many("", std::iter::repeat_n(face("happy"), 9))).await;
    assert_eq!(status, 200);
    app.until_metric(
        "mien_images_total{model=\"small\",outcome=\"cancelled\"}",
        2.0,
    )
    .await;
}

#[actix_web::test]
async fn grpc_is_disabled_by_default() {
    let app = Application::build(&settings(&[])).unwrap();
    assert_eq!(app.grpc_port(), None);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let flag = format!("--grpc-addr={}", taken.local_addr().unwrap());
    let error = Application::build(&settings(&[&flag]))
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("--grpc-addr"), "{error}");
}
