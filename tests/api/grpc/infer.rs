//! Inference: `ModelInfer` and `ModelStreamInfer`.

use futures_util::{StreamExt, stream};
use mien::grpc::proto::{
    InferParameter, InferTensorContents, ModelInferResponse, ModelStatisticsRequest,
    infer_parameter::ParameterChoice, model_infer_request::InferRequestedOutputTensor,
};
use tonic::codec::CompressionEncoding;

use super::{Client, faces, parameter, serve};
use crate::{
    helpers::{TestApp, face},
    v2::{floats, gray},
};

/// Returns the outputs of the same request over HTTP.
async fn over_http(app: &TestApp, classes: &[&str]) -> Vec<f32> {
    let gray: Vec<u8> = classes.iter().flat_map(|class| gray(class)).collect();
    let request = app.client.post(app.url("/v2/models/small/infer"));
    let request = request
        .header("inference-header-content-length", 0)
        .body(gray);
    let response = request.send().await.unwrap();
    let json_length = response.headers()["inference-header-content-length"]
        .to_str()
        .unwrap();
    let json_length: usize = json_length.parse().unwrap();
    floats(&response.bytes().await.unwrap()[json_length..])
}

fn assert_close(actual: &[f32], expected: &[f32]) {
    assert_eq!(actual.len(), expected.len());
    let is_close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-4;
    assert!(
        actual.iter().zip(expected).all(is_close),
        "{actual:?} {expected:?}"
    );
}

fn values(response: &ModelInferResponse) -> Vec<f32> {
    response
        .raw_output_contents
        .iter()
        .flat_map(|raw| floats(raw))
        .collect()
}

#[actix_web::test]
async fn grpc_responses_equal_http_responses() {
    let (app, channel) = serve(&[]).await;
    let mut client = Client::new(channel);
    let classes = ["happy", "sad", "fear"];
    let expected = over_http(&app, &classes).await;
    let mut request = faces(&classes);
    request.id = "mine".to_owned();
    let response = client.model_infer(request).await.unwrap().into_inner();
    assert_eq!(
        (response.id.as_str(), response.model_version.as_str()),
        ("mine", "1")
    );
    assert_eq!(response.outputs[0].shape, [3, 7]);
    assert_close(&values(&response), &expected);

    // Compressed in both directions.
    for encoding in [CompressionEncoding::Gzip, CompressionEncoding::Deflate] {
        let mut client = client
            .clone()
            .send_compressed(encoding)
            .accept_compressed(encoding);
        let response = client.model_infer(faces(&classes)).await.unwrap();
        assert_close(&values(response.get_ref()), &expected);
    }

    let request = ModelStatisticsRequest {
        name: "small".to_owned(),
        version: String::new(),
    };
    let stats = client.model_statistics(request).await.unwrap().into_inner();
    assert_eq!(stats.model_stats[0].inference_count, 12);
    let calls = "mien_grpc_requests_total{code=\"ok\",method=\"inference.GRPCInferenceService/ModelInfer\"}";
    assert_eq!(app.metric(calls).await, 3.0);
    let images =
        "mien_images_total{model=\"small\",outcome=\"ok\",priority=\"live\",version=\"1\"}";
    assert_eq!(app.metric(images).await, 12.0);
}

#[actix_web::test]
async fn tensors_are_raw_bytes_lists_or_images() {
    let (_app, channel) = serve(&[]).await;
    let mut client = Client::new(channel);
    let classes = ["happy", "sad", "fear"];
    let response = client.model_infer(faces(&classes)).await.unwrap();
    let expected = values(response.get_ref());

    // Lists of numbers.
    let mut request = faces(&classes);
    let raw = std::mem::take(&mut request.raw_input_contents);
    let uint_contents = raw[0].iter().map(|&gray| gray.into()).collect();
    request.inputs[0].contents = Some(InferTensorContents {
        uint_contents,
        ..Default::default()
    });
    assert_close(
        &values(&client.model_infer(request).await.unwrap().into_inner()),
        &expected,
    );

    // Image files.
    let mut request = faces(&[]);
    request.raw_input_contents.clear();
    request.inputs[0].datatype = "BYTES".to_owned();
    request.inputs[0].shape = vec![3];
    let bytes_contents = classes.map(|class| face(class).into()).to_vec();
    request.inputs[0].contents = Some(InferTensorContents {
        bytes_contents,
        ..Default::default()
    });
    assert_close(
        &values(&client.model_infer(request).await.unwrap().into_inner()),
        &expected,
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

#[actix_web::test]
async fn stream_responses_keep_request_order() {
    let (app, channel) = serve(&[]).await;
    let mut client = Client::new(channel);
    let classes = ["happy", "sad", "fear", "angry", "neutral"];
    let expected = over_http(&app, &["angry"]).await;
    let mut requests: Vec<_> = (0..100).map(|index| faces(&[classes[index % 5]])).collect();
    for (index, request) in requests.iter_mut().enumerate() {
        request.id = index.to_string();
    }
    requests[50].model_name = "nope".to_owned();
    let responses = client
        .model_stream_infer(stream::iter(requests))
        .await
        .unwrap()
        .into_inner();
    let responses: Vec<_> = responses.collect().await;
    assert_eq!(responses.len(), 100);
    for (index, message) in responses.into_iter().enumerate() {
        let message = message.unwrap();
        let response = message.infer_response.unwrap();
        assert_eq!(response.id, index.to_string());
        assert_eq!(
            message.error_message.contains("nope"),
            index == 50,
            "{index}"
        );
        if index % 5 == 3 {
            assert_close(&values(&response), &expected);
        }
    }
}

#[actix_web::test]
async fn parameter_without_value_is_ignored() {
    let (_app, channel) = serve(&[]).await;
    let mut request = faces(&["happy"]);
    for name in ["timeout", "priority"] {
        request
            .parameters
            .insert(name.to_owned(), InferParameter::default());
    }
    request.outputs = vec![InferRequestedOutputTensor {
        name: "logits".to_owned(),
        parameters: [("classification".to_owned(), InferParameter::default())].into(),
    }];
    let response = Client::new(channel).model_infer(request).await.unwrap();
    assert_eq!(response.get_ref().outputs[0].datatype, "FP32");
}
