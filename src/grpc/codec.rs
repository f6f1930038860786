//! Messages -> Rust, after a look at how many parts they have: two bytes of a message can make three hundred of memory, so a
//! message within the limit of bytes may still be too much.
//!
//! The look follows the wire format ("Protocol Buffers Documentation", Encoding) and takes no memory.

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

/// Fields of a message, and of a tensor in it, at most: tensors, outputs, parameters and what belongs to them.
const MAX_FIELDS: usize = 1024;
/// Strings of a message's tensors at most, pictures that is: all of a body of 10 MiB at 160 bytes each.
const MAX_STRINGS: usize = 1 << 16;

/// The number of `inputs` and of `outputs` in `ModelInferRequest`.
const TENSORS: [u32; 2] = [5, 6];
/// The number of `contents` in `InferInputTensor`.
const CONTENTS: u32 = 5;
/// The number of `bytes_contents` in `InferTensorContents`.
const STRINGS: u32 = 8;

/// Prost's encoder, and its decoder behind the look.
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
    type Decoder = CountingDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        CountingDecoder(PhantomData)
    }
}

/// The decoder.
#[derive(Debug)]
pub(super) struct CountingDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for CountingDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let message = buf.copy_to_bytes(buf.remaining());
        look(&message)?;
        // As prost's own decoder answers.
        U::decode(message).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

/// Refuses a message of too many parts. Whatever it is of, the numbers are those of a `ModelInferRequest`: no other message of
/// the service has that many.
fn look(message: &[u8]) -> Result<(), Status> {
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
                if strings > MAX_STRINGS { Err(too_many("strings", MAX_STRINGS)) } else { Ok(()) }
            })
        })
    })
}

/// Shows `each` the fields of a message that have a length: number and bytes. What is no message ends the look, for prost to
/// say so.
fn fields(
    mut message: &[u8],
    most: usize,
    mut each: impl FnMut(u32, &[u8]) -> Result<(), Status>,
) -> Result<(), Status> {
    let mut count = 0;
    while message.has_remaining() {
        count += 1;
        if count > most {
            return Err(too_many("fields", most));
        }
        let Ok((number, wire)) = decode_key(&mut message) else { return Ok(()) };
        if wire != WireType::LengthDelimited {
            let context = DecodeContext::default();
            if skip_field(wire, number, &mut message, context).is_err() {
                return Ok(());
            }
            continue;
        }
        let length = decode_varint(&mut message).ok().and_then(|n| usize::try_from(n).ok());
        let Some((field, rest)) = length.and_then(|length| message.split_at_checked(length)) else {
            return Ok(());
        };
        each(number, field)?;
        message = rest;
    }
    Ok(())
}

fn too_many(what: &str, most: usize) -> Status {
    Status::invalid_argument(format!("the message has more than {most} {what}"))
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
        let contents =
            InferTensorContents { bytes_contents: vec![Bytes::new(); count], ..Default::default() };
        let input = InferInputTensor { contents: Some(contents), ..Default::default() };
        ModelInferRequest { inputs: vec![input.clone(), input], ..Default::default() }
    }

    fn refusal(message: &ModelInferRequest) -> Option<String> {
        look(&message.encode_to_vec()).err().map(|status| status.message().to_owned())
    }

    #[test]
    fn parts_are_counted_at_every_depth() {
        let input = InferInputTensor { name: "image".to_owned(), ..Default::default() };
        let outputs = vec![InferRequestedOutputTensor::default(); 1000];
        let few = ModelInferRequest { inputs: vec![input.clone(); 24], outputs, ..strings(0) };
        assert_eq!(refusal(&few), None);
        let many = ModelInferRequest { inputs: vec![input; 25], ..few };
        assert_eq!(refusal(&many).unwrap(), "the message has more than 1024 fields");
        let shape = InferInputTensor {
            parameters: (0..1025).map(|i| (i.to_string(), Default::default())).collect(),
            ..Default::default()
        };
        let deep = ModelInferRequest { inputs: vec![shape], ..Default::default() };
        assert_eq!(refusal(&deep).unwrap(), "the message has more than 1024 fields");
        // Both inputs together.
        assert_eq!(refusal(&strings(MAX_STRINGS / 2)), None);
        let message = refusal(&strings(MAX_STRINGS / 2 + 1)).unwrap();
        assert_eq!(message, "the message has more than 65536 strings");
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_looked_through(message: Vec<u8>) {
            let _ = look(&message);
        }
    }
}
