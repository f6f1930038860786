//! Requests for inference.

use std::collections::HashMap;

use bytes::Bytes;

use crate::{
    excerpt::Excerpt,
    grpc::proto::{
        InferParameter, InferTensorContents, ModelInferRequest,
        infer_parameter::ParameterChoice,
        model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
    },
    intake::decoder::EncodedImage,
    oip::{
        Error, InferRequest, InputTensor, Parameter, RequestedOutput, TensorData,
        reject_shared_memory,
    },
};

/// Converts a request.
///
/// # Errors
/// Returns an error if the request violates the protocol.
pub(crate) fn request(message: ModelInferRequest) -> Result<InferRequest, Error> {
    let mut request = InferRequest {
        id: message.id,
        ..InferRequest::default()
    };
    for (name, value) in set_parameters(&message.parameters) {
        request.set(name, &value)?;
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
        for (name, value) in set_parameters(&parameters) {
            output.set(name, &value)?;
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
            let text = format!(
                "input `{}` has both `contents` and raw_input_contents",
                Excerpt(&name)
            );
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

/// Returns the parameters that have a value. Others are like absent ones.
fn set_parameters(
    parameters: &HashMap<String, InferParameter>,
) -> impl Iterator<Item = (&str, Parameter<'_>)> {
    parameters.iter().filter_map(|(name, value)| {
        let choice = value.parameter_choice.as_ref()?;
        Some((name.as_str(), parameter(choice)))
    })
}

fn parameter(value: &ParameterChoice) -> Parameter<'_> {
    match value {
        ParameterChoice::Int64Param(number) => Parameter::Integer((*number).into()),
        ParameterChoice::Uint64Param(number) => Parameter::Integer((*number).into()),
        ParameterChoice::BoolParam(_) => Parameter::Other("a boolean"),
        ParameterChoice::StringParam(_) => Parameter::Other("a string"),
        ParameterChoice::DoubleParam(_) => Parameter::Other("a floating-point number"),
    }
}
