//! A prost codec that limits the number of elements before it decodes a message. Two bytes of a message can take three
//! hundred bytes of memory, so the limit of bytes is not sufficient.
//!
//! The check follows the wire format ("Protocol Buffers Documentation", Encoding) and does not allocate.

use std::marker::PhantomData;

use bytes::Buf;
use prost::{
    Message,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder},
};
use tonic_prost::ProstCodec;

/// Maximum number of fields of a message and of each of its tensors.
const MAX_FIELDS: usize = 1024;
/// Maximum number of strings (image files) of all tensors of a message.
const MAX_STRINGS: usize = 1 << 16;

/// Field numbers of `inputs` and `outputs` in `ModelInferRequest`.
const TENSORS: [u32; 2] = [5, 6];
/// Field number of `contents` in `InferInputTensor`.
const CONTENTS: u32 = 5;
/// Field number of `bytes_contents` in `InferTensorContents`.
const STRINGS: u32 = 8;

/// The codec: the encoder of prost, and its decoder after the check.
#[derive(Debug)]
pub(super) struct LimitedCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for LimitedCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for LimitedCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = LimitedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        LimitedDecoder(PhantomData)
    }
}

/// The decoder.
#[derive(Debug)]
pub(super) struct LimitedDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for LimitedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let message = buf.copy_to_bytes(buf.remaining());
        check_limits(&message)?;
        // The same status as the decoder of prost.
        U::decode(message)
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

/// Rejects a message with too many elements. The field numbers are those of `ModelInferRequest`, because no other message of the
/// service has repeated fields of that size.
pub(crate) fn check_limits(message: &[u8]) -> Result<(), Status> {
    let mut strings = 0;
    fields(message, MAX_FIELDS, |number, tensor| {
        if !TENSORS.contains(&number) {
            return Ok(());
        }
        fields(tensor, MAX_FIELDS, |number, contents| {
            if number != CONTENTS {
                return Ok(());
            }
            fields(contents, usize::MAX, |number, _| {
                strings += usize::from(number == STRINGS);
                if strings > MAX_STRINGS {
                    Err(too_many("strings", MAX_STRINGS))
                } else {
                    Ok(())
                }
            })
        })
    })
}

/// Calls `each` with the number and bytes of each length-delimited field. An invalid message ends the check, because prost then
/// reports it.
fn fields(
    mut message: &[u8],
    max: usize,
    mut each: impl FnMut(u32, &[u8]) -> Result<(), Status>,
) -> Result<(), Status> {
    let mut count = 0;
    while message.has_remaining() {
        count += 1;
        if count > max {
            return Err(too_many("fields", max));
        }
        let Ok((number, wire)) = decode_key(&mut message) else {
            return Ok(());
        };
        if wire != WireType::LengthDelimited {
            let context = DecodeContext::default();
            if skip_field(wire, number, &mut message, context).is_err() {
                return Ok(());
            }
            continue;
        }
        let length = decode_varint(&mut message)
            .ok()
            .and_then(|n| usize::try_from(n).ok());
        let Some((field, rest)) = length.and_then(|length| message.split_at_checked(length)) else {
            return Ok(());
        };
        each(number, field)?;
        message = rest;
    }
    Ok(())
}

fn too_many(what: &str, max: usize) -> Status {
    Status::invalid_argument(format!("the message has more than {max} {what}"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::grpc::proto::{
        InferTensorContents, ModelInferRequest,
        model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
    };

    fn strings(count: usize) -> ModelInferRequest {
        let contents = InferTensorContents {
            bytes_contents: vec![Bytes::new(); count],
            ..Default::default()
        };
        let input = InferInputTensor {
            contents: Some(contents),
            ..Default::default()
        };
        ModelInferRequest {
            inputs: vec![input.clone(), input],
            ..Default::default()
        }
    }

    fn rejection(message: &ModelInferRequest) -> Option<String> {
        check_limits(&message.encode_to_vec())
            .err()
            .map(|status| status.message().to_owned())
    }

    #[test]
    fn elements_are_counted_at_every_depth() {
        let input = InferInputTensor {
            name: "image".to_owned(),
            ..Default::default()
        };
        let outputs = vec![InferRequestedOutputTensor::default(); 1000];
        let few = ModelInferRequest {
            inputs: vec![input.clone(); 24],
            outputs,
            ..strings(0)
        };
        assert_eq!(rejection(&few), None);
        let many = ModelInferRequest {
            inputs: vec![input; 25],
            ..few
        };
        assert_eq!(
            rejection(&many).unwrap(),
            "the message has more than 1024 fields"
        );
        let shape = InferInputTensor {
            parameters: (0..1025)
                .map(|i| (i.to_string(), Default::default()))
                .collect(),
            ..Default::default()
        };
        let deep = ModelInferRequest {
            inputs: vec![shape],
            ..Default::default()
        };
        assert_eq!(
            rejection(&deep).unwrap(),
            "the message has more than 1024 fields"
        );
        // The strings of both inputs are added.
        assert_eq!(rejection(&strings(MAX_STRINGS / 2)), None);
        let message = rejection(&strings(MAX_STRINGS / 2 + 1)).unwrap();
        assert_eq!(message, "the message has more than 65536 strings");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(message: Vec<u8>) {
            let _ = check_limits(&message);
        }
    }
}
