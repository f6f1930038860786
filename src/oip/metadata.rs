//! Metadata of the server and its models.

use serde::Serialize;
use utoipa::ToSchema;

use super::input;
use crate::models::{ModelVersion, registry::LiveModel};

/// Returns the platform of a model, as Triton names it.
pub(super) fn platform(model: &LiveModel) -> &'static str {
    if model.manifest.members.is_empty() {
        "onnxruntime_onnx"
    } else {
        "ensemble"
    }
}

/// Supported protocol extensions.
const EXTENSIONS: [&str; 7] = [
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository",
    "parameters",
    "schedule_policy",
    "statistics",
];

/// Metadata of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ServerMetadata {
    /// `mien`.
    #[schema(example = "mien")]
    pub name: &'static str,
    /// Version of the server.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    /// Supported protocol extensions.
    #[schema(value_type = Vec<String>, example = json!(["binary_tensor_data", "classification"]))]
    pub extensions: [&'static str; EXTENSIONS.len()],
}

impl ServerMetadata {
    /// Returns the metadata of this server.
    pub fn new() -> Self {
        Self {
            name: "mien",
            version: env!("CARGO_PKG_VERSION"),
            extensions: EXTENSIONS,
        }
    }
}

impl Default for ServerMetadata {
    fn default() -> Self {
        Self::new()
    }
}

/// Metadata of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelMetadata {
    /// Name of the model.
    #[schema(example = "resnet-20-v1")]
    pub name: String,
    /// Loaded versions in ascending order.
    #[schema(value_type = Vec<String>, example = json!(["1"]))]
    pub versions: Vec<ModelVersion>,
    /// `onnxruntime_onnx`, or `ensemble` for the mean of several networks.
    #[schema(example = "onnxruntime_onnx")]
    pub platform: &'static str,
    /// Input of the graph. It also accepts image files: `BYTES` of shape `[N]`.
    pub inputs: Vec<TensorMetadata>,
    /// Outputs of the graph.
    pub outputs: Vec<TensorMetadata>,
}

/// An input or output tensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TensorMetadata {
    /// Name in the graph.
    #[schema(example = "image")]
    pub name: String,
    /// `UINT8` or `FP32`.
    #[schema(example = "UINT8")]
    pub datatype: &'static str,
    /// Dimensions; -1 is any number of images.
    #[schema(example = json!([-1, 1, 48, 48]))]
    pub shape: Vec<i64>,
}

impl ModelMetadata {
    pub(super) fn of(model: &LiveModel, versions: Vec<ModelVersion>) -> Self {
        let signature = &model.signature;
        let input = TensorMetadata {
            name: signature.input.clone(),
            datatype: input::datatype(signature),
            shape: input::shape(signature, -1),
        };
        let outputs = signature.outputs.iter().map(|output| TensorMetadata {
            name: output.name.clone(),
            datatype: "FP32",
            shape: vec![-1, i64::try_from(output.columns).unwrap_or(i64::MAX)],
        });
        Self {
            name: model.name.clone(),
            versions,
            platform: platform(model),
            inputs: vec![input],
            outputs: outputs.collect(),
        }
    }
}
