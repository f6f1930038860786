//! Reads the metadata of a model file without ONNX Runtime.

use std::collections::BTreeMap;

use mien_onnx::StringStringEntryProto;
use prost::{DecodeError, Message};

/// The one field of `ModelProto` that is read; the decoder skips the others.
#[derive(Clone, PartialEq, Message)]
struct MetadataProto {
    #[prost(message, repeated, tag = "14")]
    metadata_props: Vec<StringStringEntryProto>,
}

/// Returns the `metadata_props` of a `.onnx` file.
///
/// # Errors
/// Returns an error if the bytes are not a protobuf message.
pub fn metadata(bytes: &[u8]) -> Result<BTreeMap<String, String>, DecodeError> {
    let model = MetadataProto::decode(bytes)?;
    Ok(model
        .metadata_props
        .into_iter()
        .map(|entry| (entry.key, entry.value))
        .collect())
}
