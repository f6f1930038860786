//! The configuration of a model in the format of Triton's model configuration.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::{input, metadata::platform};
use crate::{
    batching::BatchOptions,
    inference::runtime::Device,
    models::{registry::LiveModel, repository::MODEL_FILE, version_config::CONFIG_FILE},
    settings::LimitSettings,
};

/// The configuration of a model: the supported part of Triton's format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelConfig {
    /// Name of the model.
    #[schema(example = "resnet-20-v1")]
    pub name: String,
    /// `onnxruntime_onnx`, or `ensemble` for the mean of several networks.
    #[schema(example = "onnxruntime_onnx")]
    pub platform: &'static str,
    /// Platform or backend of the model.
    #[schema(example = "onnxruntime")]
    pub backend: &'static str,
    /// Maximum number of images of one request.
    #[schema(example = 64)]
    pub max_batch_size: i32,
    /// Input of the graph.
    pub input: Vec<InputConfig>,
    /// Outputs of the graph.
    pub output: Vec<OutputConfig>,
    /// Sessions of the model.
    pub instance_group: Vec<InstanceGroup>,
    /// Parameters of dynamic batching.
    pub dynamic_batching: BatchingConfig,
    /// Name of the model file; `mien.toml` for an ensemble.
    #[schema(example = "model.onnx")]
    pub default_model_filename: &'static str,
}

/// An input tensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InputConfig {
    /// Name in the graph.
    pub name: String,
    /// `TYPE_UINT8` or `TYPE_FP32`.
    #[schema(example = "TYPE_UINT8")]
    pub data_type: &'static str,
    /// Dimensions without the batch.
    #[schema(example = json!([1, 48, 48]))]
    pub dims: Vec<i64>,
}

/// An output tensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutputConfig {
    /// Name in the graph.
    pub name: String,
    /// `TYPE_FP32`.
    #[schema(example = "TYPE_FP32")]
    pub data_type: &'static str,
    /// Dimensions without the batch.
    #[schema(example = json!([7]))]
    pub dims: Vec<i64>,
}

/// Sessions of a model on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InstanceGroup {
    /// Name of the model.
    pub name: String,
    /// `KIND_CPU` or `KIND_GPU`.
    #[schema(example = "KIND_CPU")]
    pub kind: &'static str,
    /// Number of sessions.
    pub count: i32,
    /// Numbers of the GPUs; empty on a CPU.
    pub gpus: Vec<u32>,
}

/// Parameters of dynamic batching.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BatchingConfig {
    /// Maximum number of images per inference call.
    #[schema(example = json!([8]))]
    pub preferred_batch_size: Vec<i32>,
    /// Maximum time that an image waits for its batch to fill up, in microseconds.
    pub max_queue_delay_microseconds: u64,
    /// 2: live and background priority.
    pub priority_levels: u64,
    /// 1: live priority.
    pub default_priority_level: u64,
    /// Queue policy.
    pub default_queue_policy: QueuePolicy,
}

/// Policy of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QueuePolicy {
    /// `REJECT`: expired images are not computed.
    #[schema(example = "REJECT")]
    pub timeout_action: &'static str,
    /// Default timeout of requests in microseconds.
    pub default_timeout_microseconds: u64,
    /// Whether a request may set a shorter timeout.
    pub allow_timeout_override: bool,
    /// Maximum number of queued images.
    pub max_queue_size: u32,
}

impl ModelConfig {
    pub(super) fn of(model: &LiveModel, limits: &LimitSettings) -> Self {
        let (signature, options) = (&model.signature, model.batcher.options());
        let data_type = if signature.scaling.is_some() {
            "TYPE_FP32"
        } else {
            "TYPE_UINT8"
        };
        let output = signature.outputs.iter().map(|output| OutputConfig {
            name: output.name.clone(),
            data_type: "TYPE_FP32",
            dims: vec![i64::try_from(output.columns).unwrap_or(i64::MAX)],
        });
        let (kind, gpus) = match model.device {
            Device::Cpu => ("KIND_CPU", Vec::new()),
            Device::Cuda(gpu) => ("KIND_GPU", vec![gpu]),
        };
        Self {
            name: model.name.clone(),
            platform: platform(model),
            backend: "onnxruntime",
            max_batch_size: to_i32(limits.max_images.get()),
            input: vec![InputConfig {
                name: signature.input.clone(),
                data_type,
                dims: input::shape(signature, -1).split_off(1),
            }],
            output: output.collect(),
            instance_group: vec![InstanceGroup {
                name: model.name.clone(),
                kind,
                count: to_i32(options.instances),
                gpus,
            }],
            dynamic_batching: BatchingConfig::of(&options, limits),
            default_model_filename: if model.manifest.members.is_empty() {
                MODEL_FILE
            } else {
                CONFIG_FILE
            },
        }
    }
}

impl BatchingConfig {
    fn of(options: &BatchOptions, limits: &LimitSettings) -> Self {
        Self {
            preferred_batch_size: vec![to_i32(options.max_batch)],
            max_queue_delay_microseconds: micros(options.max_queue_delay),
            priority_levels: 2,
            default_priority_level: 1,
            default_queue_policy: QueuePolicy {
                timeout_action: "REJECT",
                default_timeout_microseconds: micros(limits.request_timeout),
                allow_timeout_override: true,
                max_queue_size: u32::try_from(options.max_queue_size).unwrap_or(u32::MAX),
            },
        }
    }
}

/// Returns a time in microseconds.
fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn to_i32(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
