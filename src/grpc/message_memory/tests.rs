use bytes::Bytes;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::grpc::proto::{
    InferTensorContents, ModelInferRequest,
    model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
};

fn with_contents(contents: InferTensorContents) -> ModelInferRequest {
    let input = InferInputTensor {
        contents: Some(contents),
        ..Default::default()
    };
    ModelInferRequest {
        inputs: vec![input.clone(), input],
        ..Default::default()
    }
}

fn strings(count: usize) -> ModelInferRequest {
    with_contents(InferTensorContents {
        bytes_contents: vec![Bytes::new(); count],
        ..Default::default()
    })
}

fn memory(message: &ModelInferRequest) -> usize {
    decoded(&message.encode_to_vec()).unwrap()
}

fn rejection(message: &ModelInferRequest) -> Option<String> {
    decoded(&message.encode_to_vec())
        .err()
        .map(|status| status.message().to_owned())
}

#[test]
fn fields_are_counted_at_every_depth() {
    let input = InferInputTensor {
        name: "image".to_owned(),
        ..Default::default()
    };
    let request = |inputs, outputs| ModelInferRequest {
        inputs: vec![input.clone(); inputs],
        outputs: vec![InferRequestedOutputTensor::default(); outputs],
        ..Default::default()
    };
    assert_eq!(rejection(&request(12, 1000)), None);
    let expected = "the message has more than 1024 fields";
    assert_eq!(rejection(&request(13, 1000)).unwrap(), expected);
    let parameters = InferInputTensor {
        parameters: (0..1024)
            .map(|i| (i.to_string(), Default::default()))
            .collect(),
        ..Default::default()
    };
    let deep = ModelInferRequest {
        inputs: vec![parameters],
        ..Default::default()
    };
    assert_eq!(rejection(&deep).unwrap(), expected);
    // The strings of both inputs are added.
    assert_eq!(rejection(&strings(MAX_STRINGS / 2)), None);
    let message = rejection(&strings(MAX_STRINGS / 2 + 1)).unwrap();
    assert_eq!(message, "the message has more than 65536 strings");
}

#[test]
fn numbers_and_strings_have_memory_of_their_lists() {
    let empty = memory(&with_contents(InferTensorContents::default()));
    for (contents, size) in [
        (
            InferTensorContents {
                bool_contents: vec![true; 100],
                ..Default::default()
            },
            10,
        ),
        (
            InferTensorContents {
                uint_contents: vec![200; 100],
                ..Default::default()
            },
            16,
        ),
        (
            InferTensorContents {
                int64_contents: vec![-1; 100],
                ..Default::default()
            },
            24,
        ),
        (
            InferTensorContents {
                fp32_contents: vec![1.0; 100],
                ..Default::default()
            },
            16,
        ),
        (
            InferTensorContents {
                fp64_contents: vec![1.0; 100],
                ..Default::default()
            },
            24,
        ),
    ] {
        assert_eq!(memory(&with_contents(contents)), empty + 2 * 100 * size);
    }
    assert_eq!(memory(&strings(10)), empty + 20 * STRING);
    let shape = InferInputTensor {
        shape: vec![1; 100],
        ..Default::default()
    };
    let shapes = ModelInferRequest {
        inputs: vec![shape],
        ..Default::default()
    };
    assert_eq!(memory(&shapes), 2 * FIELD + 100 * 24);
    let named = ModelInferRequest {
        id: "a".repeat(1000),
        ..Default::default()
    };
    assert_eq!(memory(&named), FIELD + 1000);
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(message: Vec<u8>) {
        let _ = decoded(&message);
    }
}
