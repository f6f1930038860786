//! What the server and its models are.

use serde::Serialize;
use utoipa::ToSchema;

use super::input;
use crate::models::registry::LiveModel;

/// What runs the models, as Triton names it.
pub(super) const PLATFORM: &str = "onnxruntime_onnx";

/// The extensions of the protocol that are there.
const EXTENSIONS: [&str; 7] = [
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository",
    "parameters",
    "schedule_policy",
    "statistics",
];

/// What the server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ServerMetadata {
    /// `mien`.
    #[schema(example = "mien")]
    pub name: &'static str,
    /// Its version.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    /// The extensions of the protocol that are there.
    #[schema(value_type = Vec<String>, example = json!(["binary_tensor_data", "classification"]))]
    pub extensions: [&'static str; EXTENSIONS.len()],
}

impl ServerMetadata {
    /// This server.
    pub fn new() -> Self {
        Self { name: "mien", version: env!("CARGO_PKG_VERSION"), extensions: EXTENSIONS }
    }
}

impl Default for ServerMetadata {
    fn default() -> Self {
        Self::new()
    }
}

/// What a model takes and gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelMetadata {
    /// Its name.
    #[schema(example = "resnet-20-v1")]
    pub name: String,
    /// The versions that serve, lowest first.
    #[schema(example = json!(["1"]))]
    pub versions: Vec<String>,
    /// What runs it.
    #[schema(example = "onnxruntime_onnx")]
    pub platform: &'static str,
    /// The graph's own input. It takes `BYTES` of shape `[N]`, encoded pictures, as well.
    pub inputs: Vec<TensorMetadata>,
    /// The graph's outputs.
    pub outputs: Vec<TensorMetadata>,
}

/// A tensor that a model takes or gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TensorMetadata {
    /// Its name in the graph.
    #[schema(example = "image")]
    pub name: String,
    /// `UINT8` or `FP32`.
    #[schema(example = "UINT8")]
    pub datatype: &'static str,
    /// Its dimensions; -1 is any number of images.
    #[schema(example = json!([-1, 1, 48, 48]))]
    pub shape: Vec<i64>,
}

impl ModelMetadata {
    pub(super) fn of(model: &LiveModel, versions: Vec<String>) -> Self {
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
            platform: PLATFORM,
            inputs: vec![input],
            outputs: outputs.collect(),
        }
    }
}
