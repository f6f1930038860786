//! Responses of inference.

use std::collections::HashMap;

use crate::{
    grpc::proto::{ModelInferResponse, model_infer_response::InferOutputTensor},
    oip::InferResponse,
};

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
            parameters: HashMap::new(),
            contents: None,
        });
        Self {
            model_name: model,
            model_version: version.to_string(),
            id,
            parameters: HashMap::new(),
            outputs: outputs.collect(),
            raw_output_contents,
        }
    }
}
