//! Inference requests and responses as JSON, with tensor data in the JSON or, with the binary extension, after it.

mod data;
mod scalar;

use std::collections::BTreeMap;

use actix_web::web::Bytes;
use serde::{Deserialize, Deserializer, Serialize};

use self::{data::Data, scalar::Scalar};
use crate::{
    models::ModelVersion,
    oip::{
        Error, InferRequest, InferResponse, InputTensor, OutputData, OutputTensor, RequestedOutput,
        TensorData, reject_shared_memory,
    },
};

type Parameters = BTreeMap<String, Scalar>;

#[derive(Deserialize)]
struct Request {
    #[serde(default, deserialize_with = "or_default")]
    id: String,
    #[serde(default, deserialize_with = "or_default")]
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
    #[serde(default, deserialize_with = "or_default")]
    parameters: Parameters,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Output {
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    parameters: Parameters,
}

/// Treats `null` like an absent field, because some clients write all fields.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The outputs whose data follow the JSON of the response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binary {
    /// For outputs that are not in the request.
    pub(super) default: bool,
    /// For the requested outputs in order.
    pub(super) outputs: Vec<bool>,
}

/// Returns an upper bound of the memory of the numbers in JSON, in bytes: lists double their capacity, and all numbers but the
/// first follow a comma.
pub(super) fn size_of_numbers(json: &[u8]) -> usize {
    let numbers = 1 + json.iter().filter(|&&byte| byte == b',').count();
    numbers.next_power_of_two() * size_of::<f64>()
}

/// Parses a request whose first `header` bytes are JSON; the rest is the data of the tensors in order.
///
/// # Errors
/// Returns an error if the request violates the protocol.
pub(crate) fn parse(body: &Bytes, header: usize) -> Result<(InferRequest, Binary), Error> {
    let json: Request = serde_json::from_slice(&body[..header])
        .map_err(|error| Error::invalid(format!("JSON: {error}")))?;
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
            let message = format!("input `{name}` has both `data` and `binary_data_size`");
            return Err(Error::invalid(message));
        }
        (None, None) => return Err(Error::invalid(format!("input `{name}` has no data"))),
        (None, Some(data)) => data.into(),
        (Some(size), None) if size <= rest.len() => TensorData::Raw(rest.split_to(size)),
        (Some(size), None) => {
            let available = rest.len();
            let message = format!(
                "input `{name}` needs {size} bytes after the JSON; the body has {available}"
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

#[derive(Serialize)]
struct Response<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    model_name: &'a str,
    model_version: ModelVersion,
    outputs: Vec<Tensor<'a>>,
}

#[derive(Serialize)]
struct Tensor<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: [usize; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<BinarySize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Elements<'a>>,
}

#[derive(Serialize)]
struct BinarySize {
    binary_data_size: usize,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Elements<'a> {
    Values(&'a [f32]),
    Classes(&'a [String]),
}

/// Serializes a response. Returns the body, and the length of its JSON if binary data follows.
///
/// # Errors
/// Returns an error for values that JSON cannot represent, such as infinity.
pub(super) fn body(
    response: &InferResponse,
    binary: &Binary,
) -> Result<(Vec<u8>, Option<usize>), Error> {
    let mut rest = Vec::new();
    let mut follows = false;
    let outputs = response.outputs.iter().enumerate().map(|(index, output)| {
        let OutputTensor { name, shape, data } = output;
        let mut tensor =
            Tensor { name, datatype: data.datatype(), shape: *shape, parameters: None, data: None };
        if binary.outputs.get(index).copied().unwrap_or(binary.default) {
            let bytes = data.to_bytes();
            tensor.parameters = Some(BinarySize { binary_data_size: bytes.len() });
            rest.extend(bytes);
            follows = true;
        } else {
            tensor.data = Some(match data {
                OutputData::Values(values) if values.iter().all(|value| value.is_finite()) => {
                    Elements::Values(values)
                }
                OutputData::Values(_) => {
                    return Err(Error::invalid(format!(
                        "output `{name}` has values that JSON cannot represent; request it with `binary_data`"
                    )));
                }
                OutputData::Classes(classes) => Elements::Classes(classes),
            });
        }
        Ok(tensor)
    });
    let outputs = outputs.collect::<Result<_, _>>()?;
    let (id, model_name, model_version) = (&response.id, &response.model, response.version);
    let document = Response {
        id,
        model_name,
        model_version,
        outputs,
    };
    let mut body = serde_json::to_vec(&document).expect("strings and finite numbers are JSON");
    let header = follows.then_some(body.len());
    body.extend(rest);
    Ok((body, header))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn non_finite_values_require_binary_output() {
        let output = OutputTensor {
            name: "logits".to_owned(),
            shape: [1, 2],
            data: OutputData::Values(vec![f32::NEG_INFINITY, 1.0]),
        };
        let [id, model] = ["", "m"].map(str::to_owned);
        let version = ModelVersion::FIRST;
        let [preprocess, queue, inference] = [Duration::ZERO; 3];
        let outputs = vec![output];
        let response = InferResponse {
            id,
            model,
            version,
            outputs,
            preprocess,
            queue,
            inference,
        };
        let as_json = body(
            &response,
            &Binary {
                default: false,
                outputs: Vec::new(),
            },
        );
        let error = as_json.unwrap_err().to_string();
        assert!(
            error.contains("`logits`") && error.contains("binary_data"),
            "{error}"
        );
        let (bytes, header) = body(
            &response,
            &Binary {
                default: true,
                outputs: Vec::new(),
            },
        )
        .unwrap();
        assert_eq!(bytes[header.unwrap()..], [0, 0, 128, 255, 0, 0, 128, 63]);
    }
}
