//! Details of a loaded version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    drift::DriftReport,
    inference::{
        agreement::Agreement,
        engine::{Engine, Precision},
        signature::Signature,
    },
    models::{ModelVersion, engines::EngineReport, ensemble, live::LiveModel},
    timestamp::Timestamp,
    tuning::{self, Point, Source, choose},
};

/// Details of a loaded version.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelInfo {
    /// Class names, in output order.
    #[schema(example = json!(["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]))]
    labels: Vec<String>,
    /// Architecture of the network.
    #[schema(example = "resnet-20-v1")]
    architecture: Option<String>,
    /// Number of parameters.
    parameters: Option<u64>,
    /// Temperature that the logits are divided by.
    temperature: Option<f64>,
    /// Training data.
    trained_on: Option<String>,
    /// Time of the export.
    created: Option<String>,
    /// Training recipe.
    recipe: Option<serde_json::Value>,
    /// Split -> accuracy recorded at export, 0 to 1; `test` is the whole test set.
    #[schema(example = json!({"test": 0.62, "PublicTest": 0.61, "PrivateTest": 0.63}))]
    accuracy: BTreeMap<String, f64>,
    /// SHA-256 of the model file, lower-case hex. That of an ensemble covers its members' files and weights.
    sha256: String,
    /// The members of an ensemble, whose probabilities are averaged. Missing for a network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    members: Vec<Member>,
    /// Input of the model.
    input: Input,
    /// Serving configuration.
    serving: Serving,
    /// Comparison of the images of clients with those of an evaluation. Missing with `--drift off`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drift: Option<DriftReport>,
}

/// A member of an ensemble.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = EnsembleMember)]
pub struct Member {
    /// The model's name.
    #[schema(example = "resnet-20-v1")]
    name: String,
    /// Its version.
    #[schema(value_type = String, example = "1")]
    version: ModelVersion,
    /// Its share of the mean. The weights of all members sum to 1.
    #[schema(example = 0.5)]
    weight: f64,
    /// SHA-256 of its model file, lower-case hex.
    sha256: String,
}

/// Input of a model.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Input {
    /// Name of the input in the graph.
    #[schema(example = "image")]
    name: String,
    /// `uint8` or `float32`.
    #[schema(example = "uint8")]
    datatype: String,
    /// Dimensions; `N` is any number of images.
    #[schema(example = json!(["N", "1", "48", "48"]))]
    shape: Vec<String>,
}

/// Serving configuration of a version.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Serving {
    /// `cpu` or `cuda:N`.
    #[schema(example = "cpu")]
    device: String,
    /// The engine that executes the model.
    engine: Engine,
    /// The precision of the arithmetic.
    precision: Precision,
    /// Comparison of the engine with the default provider on faces that the server contains. Missing for the default provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agreement: Option<Agreement>,
    /// The engines that were tried. Missing if none was tried yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    engines: Vec<EngineReport>,
    /// Number of sessions, each with a worker thread of its own.
    instances: usize,
    /// Number of cores that one inference call uses.
    intra_op_threads: usize,
    /// Maximum number of images per inference call.
    max_batch: usize,
    /// Maximum time that a worker waits for a batch to fill up, in milliseconds.
    max_queue_delay_ms: u64,
    /// Maximum number of queued images.
    max_queue_size: usize,
    /// Origin of instances, threads and batch size.
    tuning: Tuning,
}

/// Origin of a version's configuration.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Tuning {
    /// Kind of origin.
    source: Source,
    /// End of the measurement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    measured_at: Option<Timestamp>,
    /// Whether the measurement will be repeated, because other processes slowed it down or live traffic contradicts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provisional: Option<bool>,
    /// Share of the cores, 0 to 1, that other processes occupied during the measurement. Missing if the system does not report
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    load: Option<f64>,
    /// Spread of the point that was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spread: Option<f64>,
    /// The measured curve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    points: Vec<Point>,
}

impl From<&tuning::Tuning> for Tuning {
    fn from(tuning: &tuning::Tuning) -> Self {
        let curve = tuning.curve.as_deref();
        let points = curve.map_or(&[][..], |curve| &curve.points);
        Self {
            source: tuning.source,
            measured_at: curve.map(|curve| curve.measured_at),
            provisional: curve.map(|curve| curve.provisional),
            load: curve.and_then(|curve| curve.load),
            spread: choose(points).map(|point| point.spread),
            points: points.to_vec(),
        }
    }
}

impl From<ensemble::Member> for Member {
    fn from(member: ensemble::Member) -> Self {
        let ensemble::Member {
            name,
            weight,
            sha256,
        } = member;
        Self {
            name: name.name().to_owned(),
            version: name.version(),
            weight,
            sha256,
        }
    }
}

impl From<&LiveModel> for ModelInfo {
    fn from(model: &LiveModel) -> Self {
        let manifest = model.manifest.clone();
        let options = model.batcher.options();
        let (execution, engines) = (model.execution, model.engines.load().to_vec());
        let drift = model.drift.as_ref();
        let drift = drift.map(|drift| drift.report(manifest.labels.names()));
        let datatype = match &model.signature {
            Signature { scaling: None, .. } => "uint8",
            Signature { is_fp16: true, .. } => "float16",
            Signature { is_fp16: false, .. } => "float32",
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
            members: manifest.members.into_iter().map(Member::from).collect(),
            input: Input {
                name: model.signature.input.clone(),
                datatype: datatype.to_owned(),
                shape: model.signature.layout(),
            },
            serving: Serving {
                device: model.device.to_string(),
                engine: execution.engine,
                precision: execution.precision,
                agreement: engines
                    .iter()
                    .find(|report| report.execution() == execution)
                    .and_then(|report| report.agreement),
                engines,
                instances: options.instances,
                intra_op_threads: options.intra_op_threads,
                max_batch: options.max_batch,
                max_queue_delay_ms: u64::try_from(options.max_queue_delay.as_millis())
                    .unwrap_or(u64::MAX),
                max_queue_size: options.max_queue_size,
                tuning: Tuning::from(&**model.tuning.load()),
            },
            drift,
        }
    }
}
