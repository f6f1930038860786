//! Status codes of failed calls.

use actix_web::rt;
use mien::grpc::proto::{InferTensorContents, ModelInferRequest, infer_parameter::ParameterChoice};
use tonic::{Code, codec::CompressionEncoding};

use super::{Client, code, connect, faces, framed, parameter, serve, start};
use crate::helpers::{face, http_2, send};

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
            Code::ResourceExhausted,
        ),
    ] {
        let (actual, message) = code(client, request).await;
        assert_eq!(actual, expected, "{message}");
        assert!(!message.is_empty());
    }
    // The limit also applies to the decompressed message.
    let compressed = &mut client.clone().send_compressed(CompressionEncoding::Gzip);
    let bomb = change(|r| r.raw_input_contents[0] = vec![0; 10_000_000].into());
    assert_eq!(code(compressed, bomb).await.0, Code::ResourceExhausted);
}

/// Returns the status code of a request with this `grpc-timeout`. The request is sent by an HTTP client, because a gRPC client
/// would apply the timeout itself.
async fn raw_code(address: &str, timeout: &str) -> i32 {
    let client = http_2();
    let request = client.post(format!(
        "{address}/inference.GRPCInferenceService/ModelInfer"
    ));
    let request = request
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    let body = framed(&faces(&["happy"]));
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
    app.until_metric("mien_queue_images{model=\"small\",priority=\"live\"}", 1.0)
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
async fn disconnected_client_frees_queue() {
    let (app, channel) = serve(&["--max-queue-delay=1h", "--max-batch=9", "--instances=1"]).await;
    let mut client = Client::new(channel);
    let call = rt::spawn(async move { client.model_infer(faces(&["happy", "sad"])).await });
    app.until_metric("mien_queue_images{model=\"small\",priority=\"live\"}", 2.0)
        .await;
    call.abort();
    let label = "method=\"inference.GRPCInferenceService/ModelInfer\"";
    app.until_metrics_contain(&format!(
        "mien_grpc_requests_total{{code=\"cancelled\",{label}}}"
    ))
    .await;
    // The next batch does not contain the images of the disconnected client.
    let (status, _) = send(app.classify_many("", std::iter::repeat_n(face("happy"), 9))).await;
    assert_eq!(status, 200);
    app.until_metric(
        "mien_images_total{model=\"small\",outcome=\"cancelled\",priority=\"live\",version=\"1\"}",
        2.0,
    )
    .await;
}
