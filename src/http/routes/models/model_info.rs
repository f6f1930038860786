//! What is known about a version that serves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    inference::signature::Signature,
    models::live::LiveModel,
    tuning::{Point, Source},
};

/// What is known about a version that serves.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelInfo {
    /// Class names, in output order.
    #[schema(example = json!(["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]))]
    labels: Vec<String>,
    /// The network's architecture.
    #[schema(example = "resnet-20-v1")]
    architecture: Option<String>,
    /// How many parameters it has.
    parameters: Option<u64>,
    /// The temperature that its logits are divided by.
    temperature: Option<f64>,
    /// What it was trained on.
    trained_on: Option<String>,
    /// When it was exported.
    created: Option<String>,
    /// How it was trained.
    recipe: Option<serde_json::Value>,
    /// Split -> accuracy recorded at export, 0 to 1; `test` is the whole test set.
    #[schema(example = json!({"test": 0.62, "PublicTest": 0.61, "PrivateTest": 0.63}))]
    accuracy: BTreeMap<String, f64>,
    /// SHA-256 of the model file, in hex.
    sha256: String,
    /// What a run takes.
    input: Input,
    /// How it is served.
    serving: Serving,
}

/// What a run of a model takes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Input {
    /// The input's name in the graph.
    #[schema(example = "image")]
    name: String,
    /// `uint8` or `float32`.
    #[schema(example = "uint8")]
    datatype: String,
    /// Its dimensions; `N` is any number of pictures.
    #[schema(example = json!(["N", "1", "48", "48"]))]
    shape: Vec<String>,
}

/// How a version is served.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Serving {
    /// `cpu` or `cuda:N`.
    #[schema(example = "cpu")]
    device: String,
    /// Sessions, each with its own worker thread.
    instances: usize,
    /// Cores that one run uses.
    intra_op_threads: usize,
    /// The most pictures of one run.
    max_batch: usize,
    /// How long a worker waits for a batch to fill up, in milliseconds.
    max_queue_delay_ms: u64,
    /// The most pictures that wait.
    max_queue_size: usize,
    /// Why instances, threads and batch size are what they are.
    tuning: Tuning,
}

/// How a version's configuration was found.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Tuning {
    /// Where it is from.
    source: Source,
    /// The curve that it was chosen from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    points: Vec<Point>,
}

impl From<&LiveModel> for ModelInfo {
    fn from(model: &LiveModel) -> Self {
        let manifest = model.manifest.clone();
        let options = model.batcher.options();
        let datatype = match &model.signature {
            Signature { feeding: None, .. } => "uint8",
            Signature { half: true, .. } => "float16",
            Signature { half: false, .. } => "float32",
        };
        ModelInfo {
            labels: manifest.labels.names().to_vec(),
            architecture: manifest.architecture,
            parameters: manifest.parameters,
            temperature: manifest.temperature,
            trained_on: manifest.trained_on,
            created: manifest.created,
            recipe: manifest.recipe,
            accuracy: manifest.accuracy,
            sha256: model.sha256.clone(),
            input: Input {
                name: model.signature.input.clone(),
                datatype: datatype.to_owned(),
                shape: model.signature.layout(),
            },
            serving: Serving {
                device: model.device.to_string(),
                instances: options.instances,
                intra_op_threads: options.intra_op_threads,
                max_batch: options.max_batch,
                max_queue_delay_ms: u64::try_from(options.max_queue_delay.as_millis())
                    .unwrap_or(u64::MAX),
                max_queue_size: options.max_queue_size,
                tuning: Tuning { source: model.tuning.source, points: model.tuning.points.clone() },
            },
        }
    }
}
