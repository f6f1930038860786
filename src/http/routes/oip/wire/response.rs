//! Inference responses.

use serde::Serialize;

use super::Binary;
use crate::{
    models::ModelVersion,
    oip::{Error, InferResponse, OutputData, OutputTensor},
};

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
pub(in crate::http::routes::oip) fn body(
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
