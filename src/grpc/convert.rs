//! Converts between gRPC messages and the types of the protocol.

mod config;
mod statistics;

use std::collections::HashMap;

use bytes::Bytes;
use tonic::{Code, Status};

use super::proto::{
    self, InferParameter, InferTensorContents, ModelInferRequest, ModelInferResponse,
    infer_parameter::ParameterChoice,
    model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
    model_infer_response::InferOutputTensor,
    model_metadata_response,
};
use crate::{
    auth::AuthError,
    intake::decoder::EncodedImage,
    oip::{
        self, Error, InferRequest, InferResponse, InputTensor, Kind, Parameter, RequestedOutput,
        TensorData, reject_shared_memory,
    },
};

/// Metadata with the retry pushback in milliseconds (gRPC retry design).
const PUSHBACK: &str = "grpc-retry-pushback-ms";

type Parameters = HashMap<String, InferParameter>;

/// Converts a request.
///
/// # Errors
/// Returns an error if the request violates the protocol.
pub(crate) fn request(message: ModelInferRequest) -> Result<InferRequest, Error> {
    let mut request = InferRequest {
        id: message.id,
        ..InferRequest::default()
    };
    for (name, value) in &message.parameters {
        request.set(name, &parameter(value))?;
    }
    let (count, raw) = (message.inputs.len(), message.raw_input_contents.len());
    if raw != 0 && raw != count {
        let text =
            format!("{count} inputs, but {raw} raw_input_contents; expected one per input or none");
        return Err(Error::invalid(text));
    }
    let mut raw = message.raw_input_contents.into_iter();
    for input in message.inputs {
        request.inputs.push(tensor(input, raw.next())?);
    }
    for InferRequestedOutputTensor { name, parameters } in message.outputs {
        let mut output = RequestedOutput {
            name,
            classification: 0,
        };
        for (name, value) in &parameters {
            output.set(name, &parameter(value))?;
        }
        request.outputs.push(output);
    }
    Ok(request)
}

fn tensor(input: InferInputTensor, raw: Option<Bytes>) -> Result<InputTensor, Error> {
    let InferInputTensor {
        name,
        datatype,
        shape,
        parameters,
        contents,
    } = input;
    parameters
        .keys()
        .try_for_each(|name| reject_shared_memory(name))?;
    let data = match (raw, contents) {
        (Some(_), Some(contents)) if contents != InferTensorContents::default() => {
            let text = format!("input `{name}` has both `contents` and raw_input_contents");
            return Err(Error::invalid(text));
        }
        (Some(raw), _) => TensorData::Raw(raw),
        (None, contents) => typed(&datatype, contents.unwrap_or_default()),
    };
    Ok(InputTensor {
        name,
        datatype,
        shape,
        data,
    })
}

/// Returns the memory of the numbers of a message in bytes: a list can take eight times its size in the message, and [`request`]
/// creates another list with eight bytes per number.
pub(super) fn size_of_numbers(message: &ModelInferRequest) -> usize {
    let contents = message
        .inputs
        .iter()
        .filter_map(|input| input.contents.as_ref());
    contents
        .map(|c| {
            memory_of(&c.bool_contents)
                + memory_of(&c.int_contents)
                + memory_of(&c.int64_contents)
                + memory_of(&c.uint_contents)
                + memory_of(&c.uint64_contents)
                + memory_of(&c.fp32_contents)
                + memory_of(&c.fp64_contents)
        })
        .sum()
}

fn memory_of<T>(numbers: &[T]) -> usize {
    numbers.len() * (size_of::<T>() + size_of::<f64>())
}

/// Returns the elements in the list of the datatype. Lists of unsupported datatypes are ignored.
fn typed(datatype: &str, contents: InferTensorContents) -> TensorData {
    match datatype {
        "BYTES" => TensorData::EncodedImages(
            contents
                .bytes_contents
                .into_iter()
                .map(EncodedImage::Raw)
                .collect(),
        ),
        "UINT8" => TensorData::Numbers(contents.uint_contents.into_iter().map(f64::from).collect()),
        _ => TensorData::Numbers(contents.fp32_contents.into_iter().map(f64::from).collect()),
    }
}

fn parameter(value: &InferParameter) -> Parameter<'_> {
    match &value.parameter_choice {
        Some(ParameterChoice::Int64Param(number)) => Parameter::Integer((*number).into()),
        Some(ParameterChoice::Uint64Param(number)) => Parameter::Integer((*number).into()),
        Some(ParameterChoice::BoolParam(_)) => Parameter::Other("a boolean"),
        Some(ParameterChoice::StringParam(_)) => Parameter::Other("a string"),
        Some(ParameterChoice::DoubleParam(_)) => Parameter::Other("a floating-point number"),
        None => Parameter::Other("an empty value"),
    }
}

impl From<InferResponse> for ModelInferResponse {
    fn from(response: InferResponse) -> Self {
        let InferResponse {
            id,
            model,
            version,
            outputs,
            ..
        } = response;
        let raw_output_contents = outputs.iter().map(|output| output.data.to_bytes().into());
        let raw_output_contents = raw_output_contents.collect();
        let outputs = outputs.into_iter().map(|output| InferOutputTensor {
            name: output.name,
            datatype: output.data.datatype().to_owned(),
            shape: output
                .shape
                .map(|extent| i64::try_from(extent).unwrap_or(i64::MAX))
                .to_vec(),
            parameters: Parameters::new(),
            contents: None,
        });
        Self {
            model_name: model,
            model_version: version.to_string(),
            id,
            parameters: Parameters::new(),
            outputs: outputs.collect(),
            raw_output_contents,
        }
    }
}

impl From<AuthError> for Status {
    fn from(denied: AuthError) -> Self {
        match denied {
            AuthError::Unauthorized => Self::unauthenticated(denied.to_string()),
            AuthError::Disabled | AuthError::CrossOrigin => {
                Self::permission_denied(denied.to_string())
            }
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            Kind::Invalid | Kind::TooLarge => Code::InvalidArgument,
            Kind::NotFound => Code::NotFound,
            Kind::Unavailable { .. } | Kind::ShuttingDown => Code::Unavailable,
            Kind::DeadlineExceeded => Code::DeadlineExceeded,
            Kind::Internal => Code::Internal,
        };
        let mut status = Self::new(code, error.to_string());
        if let Kind::Unavailable { retry_after } = error.kind() {
            let millis = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
            status.metadata_mut().insert(PUSHBACK, millis.into());
        }
        status
    }
}

impl From<oip::ServerMetadata> for proto::ServerMetadataResponse {
    fn from(metadata: oip::ServerMetadata) -> Self {
        let extensions = metadata.extensions.map(str::to_owned).to_vec();
        Self {
            name: metadata.name.to_owned(),
            version: metadata.version.to_owned(),
            extensions,
        }
    }
}

impl From<oip::TensorMetadata> for model_metadata_response::TensorMetadata {
    fn from(tensor: oip::TensorMetadata) -> Self {
        Self {
            name: tensor.name,
            datatype: tensor.datatype.to_owned(),
            shape: tensor.shape,
        }
    }
}

impl From<oip::ModelMetadata> for proto::ModelMetadataResponse {
    fn from(metadata: oip::ModelMetadata) -> Self {
        Self {
            name: metadata.name,
            versions: metadata.versions.iter().map(ToString::to_string).collect(),
            platform: metadata.platform.to_owned(),
            inputs: metadata.inputs.into_iter().map(Into::into).collect(),
            outputs: metadata.outputs.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<oip::ModelIndex> for proto::repository_index_response::ModelIndex {
    fn from(entry: oip::ModelIndex) -> Self {
        let oip::ModelIndex {
            name,
            version,
            state,
            reason,
        } = entry;
        Self {
            name,
            version: version.to_string(),
            state: state.to_owned(),
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batching::BatchError;

    #[test]
    fn shutdown_is_unavailable_without_retry_pushback() {
        let status = Status::from(Error::from(BatchError::ShuttingDown));
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(status.message(), "the server is shutting down");
        assert!(!status.metadata().contains_key(PUSHBACK));
    }
}
