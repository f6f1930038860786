//! A float model file that is prepared for quantisation.

use std::collections::BTreeMap;

use mien_onnx::{
    FLOAT, GraphProto, ModelProto, StringStringEntryProto, TensorTypeProto, TypeProto,
    ValueInfoProto,
};
use prost::Message;

use super::{QuantizationError, Range, batch_norm, constants, rewrite, selection::Selection};

/// Operators of files that are quantised.
const QUANTIZED: [&str; 2] = ["QuantizeLinear", "DequantizeLinear"];

/// A float model file that is prepared for quantisation.
#[derive(Debug, Clone)]
pub struct FloatModel {
    model: ModelProto,
    graph: GraphProto,
    selection: Selection,
}

impl FloatModel {
    /// Decodes a model file, folds its constants and selects the tensors to quantise.
    ///
    /// # Errors
    /// Returns an error if the bytes are not an ONNX file with convolutions, or the file is quantised already.
    pub fn read(bytes: &[u8]) -> Result<Self, QuantizationError> {
        let mut model = ModelProto::decode(bytes)?;
        let mut graph = model.graph.take().unwrap_or_default();
        let is_quantized = |op_type: &String| QUANTIZED.contains(&op_type.as_str());
        if graph.node.iter().any(|node| is_quantized(&node.op_type)) {
            return Err(QuantizationError::AlreadyQuantized);
        }
        constants::fold_casts(&mut graph)?;
        batch_norm::to_convolutions(&mut graph)?;
        let selection = Selection::of(&graph);
        if selection.convolutions.is_empty() {
            return Err(QuantizationError::NoConvolution);
        }
        Ok(Self {
            model,
            graph,
            selection,
        })
    }

    /// Returns the names of the tensors to quantise, sorted.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = &str> {
        self.selection.tensors.keys().map(String::as_str)
    }

    /// Returns a float model file whose outputs are the tensors to quantise.
    pub fn with_tensors_as_outputs(&self) -> Vec<u8> {
        let output = |name: &str| ValueInfoProto {
            name: name.to_owned(),
            r#type: Some(TypeProto {
                tensor_type: Some(TensorTypeProto {
                    elem_type: FLOAT,
                    shape: None,
                }),
            }),
        };
        let graph = GraphProto {
            output: self.tensors().map(output).collect(),
            ..self.graph.clone()
        };
        self.file(graph).encode_to_vec()
    }

    /// Returns the INT8 model file. `ranges` holds the range of each tensor of [`Self::tensors`]. `metadata` replaces or
    /// extends the metadata of the float file.
    ///
    /// # Errors
    /// Returns an error if the values of a weight cannot be read.
    pub fn quantized(
        &self,
        ranges: &[Range],
        metadata: &BTreeMap<&str, String>,
    ) -> Result<Vec<u8>, QuantizationError> {
        let graph = rewrite::quantized(&self.graph, &self.selection, ranges)?;
        let mut model = self.file(graph);
        let entries = &mut model.metadata_props;
        entries.retain(|entry| !metadata.contains_key(entry.key.as_str()));
        entries.extend(metadata.iter().map(|(key, value)| StringStringEntryProto {
            key: (*key).to_owned(),
            value: value.clone(),
        }));
        Ok(model.encode_to_vec())
    }

    fn file(&self, graph: GraphProto) -> ModelProto {
        ModelProto {
            graph: Some(graph),
            ..self.model.clone()
        }
    }
}
