//! Inference requests.

use std::collections::BTreeMap;

use actix_web::web::Bytes;
use serde::{Deserialize, Deserializer};

use super::{Binary, data::Data, scalar::Scalar};
use crate::{
    excerpt::{Excerpt, parser_message},
    oip::{Error, InferRequest, InputTensor, RequestedOutput, TensorData, reject_shared_memory},
};

type Parameters = BTreeMap<String, Scalar>;

#[derive(Deserialize)]
struct Request {
    #[serde(default, deserialize_with = "or_default")]
    id: String,
    #[serde(default, deserialize_with = "parameters")]
    parameters: Parameters,
    inputs: Vec<Input>,
    #[serde(default, deserialize_with = "or_default")]
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Input {
    name: String,
    shape: Vec<i64>,
    datatype: String,
    #[serde(default, deserialize_with = "parameters")]
    parameters: Parameters,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Output {
    name: String,
    #[serde(default, deserialize_with = "parameters")]
    parameters: Parameters,
}

/// Treats `null` like an absent field, because some clients write all fields.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Removes parameters with the value `null`, which are like absent ones.
fn parameters<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Parameters, D::Error> {
    let given: BTreeMap<String, Option<Scalar>> = or_default(deserializer)?;
    let set = given.into_iter();
    Ok(set
        .filter_map(|(name, value)| Some((name, value?)))
        .collect())
}

/// Returns an upper bound of the memory of the numbers in JSON, in bytes: lists double their capacity, and all numbers but the
/// first follow a comma.
pub(in crate::http::routes::oip) fn size_of_numbers(json: &[u8]) -> usize {
    let numbers = 1 + json.iter().filter(|&&byte| byte == b',').count();
    numbers.next_power_of_two() * size_of::<f64>()
}

/// Parses a request whose first `header` bytes are JSON; the rest is the data of the tensors in order.
///
/// # Errors
/// Returns an error if the request violates the protocol.
pub(crate) fn parse(body: &Bytes, header: usize) -> Result<(InferRequest, Binary), Error> {
    let json: Request = serde_json::from_slice(&body[..header])
        .map_err(|error| Error::invalid(format!("JSON: {}", parser_message(&error))))?;
    let mut rest = body.slice(header..);
    let mut request = InferRequest {
        id: json.id,
        ..InferRequest::default()
    };
    for (name, value) in &json.parameters {
        request.set(name, &value.parameter())?;
    }
    for input in json.inputs {
        request.inputs.push(tensor(input, &mut rest)?);
    }
    if !rest.is_empty() {
        let message = format!(
            "the body has {} bytes after the data of all inputs",
            rest.len()
        );
        return Err(Error::invalid(message));
    }
    let default = flag(&json.parameters, "binary_data_output")?.unwrap_or(false);
    let mut binary = Binary {
        default,
        outputs: Vec::with_capacity(json.outputs.len()),
    };
    for Output { name, parameters } in json.outputs {
        let mut output = RequestedOutput {
            name,
            classification: 0,
        };
        for (name, value) in &parameters {
            output.set(name, &value.parameter())?;
        }
        binary
            .outputs
            .push(flag(&parameters, "binary_data")?.unwrap_or(default));
        request.outputs.push(output);
    }
    Ok((request, binary))
}

fn tensor(input: Input, rest: &mut Bytes) -> Result<InputTensor, Error> {
    let Input {
        name,
        shape,
        datatype,
        parameters,
        data,
    } = input;
    parameters
        .keys()
        .try_for_each(|name| reject_shared_memory(name))?;
    let size = parameters.get("binary_data_size").map(|size| match size {
        Scalar::Integer(size @ 0..) => Ok(usize::try_from(*size).unwrap_or(usize::MAX)),
        Scalar::Integer(_) | Scalar::Bool(_) | Scalar::Other(_) => Err(Error::invalid(
            "parameter `binary_data_size`: expected a number of bytes",
        )),
    });
    let data = match (size.transpose()?, data) {
        (Some(_), Some(_)) => {
            let message = format!(
                "input `{}` has both `data` and `binary_data_size`",
                Excerpt(&name)
            );
            return Err(Error::invalid(message));
        }
        (None, None) => {
            let message = format!("input `{}` has no data", Excerpt(&name));
            return Err(Error::invalid(message));
        }
        (None, Some(data)) => data.into(),
        (Some(size), None) if size <= rest.len() => TensorData::Raw(rest.split_to(size)),
        (Some(size), None) => {
            let available = rest.len();
            let message = format!(
                "input `{}` needs {size} bytes after the JSON; the body has {available}",
                Excerpt(&name)
            );
            return Err(Error::invalid(message));
        }
    };
    Ok(InputTensor {
        name,
        datatype,
        shape,
        data,
    })
}

fn flag(parameters: &Parameters, name: &str) -> Result<Option<bool>, Error> {
    match parameters.get(name) {
        None => Ok(None),
        Some(Scalar::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Error::invalid(format!(
            "parameter `{name}`: expected true or false"
        ))),
    }
}
