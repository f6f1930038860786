//! Inference requests.

use actix_web::web::Bytes;
use serde::de::DeserializeSeed;

use super::{
    Binary,
    data::Data,
    fields::{Input, Output, Request},
    parameters::Parameters,
    scalar::Scalar,
};
use crate::{
    excerpt::{Excerpt, parser_message},
    json::{ElementLimits, Object},
    oip::{Error, InferRequest, InputTensor, RequestedOutput, TensorData},
};

/// Parses a request whose first `header` bytes are JSON; the rest is the data of the tensors in order.
///
/// # Errors
/// Returns an error if the request violates the protocol.
pub(crate) fn parse(
    body: &Bytes,
    header: usize,
    limits: ElementLimits,
) -> Result<(InferRequest, Binary), Error> {
    let json = json(&body[..header], limits)
        .map_err(|error| Error::invalid(format!("JSON: {}", parser_message(&error))))?;
    let mut rest = body.slice(header..);
    let mut request = InferRequest {
        id: json.id.unwrap_or_default(),
        ..InferRequest::default()
    };
    let parameters = json.parameters.unwrap_or_default();
    for (name, value) in parameters.iter() {
        request.set(name, &value.parameter())?;
    }
    let inputs = json.inputs.ok_or_else(|| missing("inputs"))?;
    for input in inputs.list {
        request.inputs.push(tensor(input, body, &mut rest)?);
    }
    if !rest.is_empty() {
        let message = format!(
            "the body has {} bytes after the data of all inputs",
            rest.len()
        );
        return Err(Error::invalid(message));
    }
    let default = parameters.flag("binary_data_output")?.unwrap_or(false);
    let mut binary = Binary {
        default,
        outputs: Vec::new(),
    };
    for Output { name, parameters } in json.outputs.unwrap_or_default().0 {
        let mut output = RequestedOutput {
            name: name.ok_or_else(|| missing("name"))?,
            classification: 0,
        };
        let parameters = parameters.unwrap_or_default();
        parameters.without_shared_memory()?;
        for (name, value) in parameters.iter() {
            output.set(name, &value.parameter())?;
        }
        binary
            .outputs
            .push(parameters.flag("binary_data")?.unwrap_or(default));
        request.outputs.push(output);
    }
    Ok((request, binary))
}

/// Reads the fields of a request.
fn json(json: &[u8], limits: ElementLimits) -> serde_json::Result<Request<'_>> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let request = Object(Request::new(limits)).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(request.unwrap_or(Request::new(limits)))
}

fn missing(field: &str) -> Error {
    Error::invalid(format!("JSON: missing field `{field}`"))
}

fn tensor(input: Input<'_>, body: &Bytes, rest: &mut Bytes) -> Result<InputTensor, Error> {
    let name = input.name.ok_or_else(|| missing("name"))?;
    let shape = input.shape.ok_or_else(|| missing("shape"))?.0;
    let datatype = input.datatype.ok_or_else(|| missing("datatype"))?;
    let parameters = input.parameters.unwrap_or_default();
    parameters.without_shared_memory()?;
    let size = binary_size(&parameters)?;
    let data = data(&name, size, input.data, body, rest)?;
    Ok(InputTensor {
        name,
        datatype,
        shape,
        data,
    })
}

/// Returns the number of bytes of a tensor after the JSON, or `None` if its data are in the JSON.
fn binary_size(parameters: &Parameters) -> Result<Option<usize>, Error> {
    match parameters.get("binary_data_size") {
        None => Ok(None),
        Some(Scalar::Integer(size @ 0..)) => Ok(Some(usize::try_from(size).unwrap_or(usize::MAX))),
        Some(Scalar::Integer(_) | Scalar::Bool(_) | Scalar::Other(_)) => Err(Error::invalid(
            "parameter `binary_data_size`: expected a number of bytes",
        )),
    }
}

/// Returns the elements of a tensor: those of the JSON, or the next `size` bytes after it.
fn data(
    name: &str,
    size: Option<usize>,
    data: Option<Data<'_>>,
    body: &Bytes,
    rest: &mut Bytes,
) -> Result<TensorData, Error> {
    let name = Excerpt(name);
    match (size, data) {
        (Some(_), Some(_)) => Err(Error::invalid(format!(
            "input `{name}` has both `data` and `binary_data_size`"
        ))),
        (None, None) => Err(Error::invalid(format!("input `{name}` has no data"))),
        (None, Some(data)) => Ok(data.into_tensor(body)),
        (Some(size), None) if size <= rest.len() => Ok(TensorData::Raw(rest.split_to(size))),
        (Some(size), None) => {
            let available = rest.len();
            Err(Error::invalid(format!(
                "input `{name}` needs {size} bytes after the JSON; the body has {available}"
            )))
        }
    }
}
