//! How a model is served, in the terms of Triton's model configuration.

use serde::Serialize;
use utoipa::ToSchema;

use super::{input, metadata::PLATFORM};
use crate::{inference::runtime::Device, models::registry::LiveModel, settings::LimitSettings};

/// A model's configuration: the part of Triton's that means something here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelConfig {
    /// Its name.
    #[schema(example = "resnet-20-v1")]
    pub name: String,
    /// What runs it.
    #[schema(example = "onnxruntime_onnx")]
    pub platform: &'static str,
    /// What runs it.
    #[schema(example = "onnxruntime")]
    pub backend: &'static str,
    /// The most images of one request.
    #[schema(example = 64)]
    pub max_batch_size: i32,
    /// The graph's own input.
    pub input: Vec<InputConfig>,
    /// The graph's outputs.
    pub output: Vec<OutputConfig>,
    /// Its sessions.
    pub instance_group: Vec<InstanceGroup>,
    /// How images of many requests are put together.
    pub dynamic_batching: BatchingConfig,
    /// The file's name.
    #[schema(example = "model.onnx")]
    pub default_model_filename: &'static str,
}

/// A tensor that a model takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InputConfig {
    /// Its name in the graph.
    pub name: String,
    /// `TYPE_UINT8` or `TYPE_FP32`.
    #[schema(example = "TYPE_UINT8")]
    pub data_type: &'static str,
    /// Its dimensions without the batch.
    #[schema(example = json!([1, 48, 48]))]
    pub dims: Vec<i64>,
}

/// A tensor that a model gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutputConfig {
    /// Its name in the graph.
    pub name: String,
    /// `TYPE_FP32`.
    #[schema(example = "TYPE_FP32")]
    pub data_type: &'static str,
    /// Its dimensions without the batch.
    #[schema(example = json!([7]))]
    pub dims: Vec<i64>,
}

/// Sessions of a model on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InstanceGroup {
    /// Its name.
    pub name: String,
    /// `KIND_CPU` or `KIND_GPU`.
    #[schema(example = "KIND_CPU")]
    pub kind: &'static str,
    /// How many sessions.
    pub count: i32,
    /// The GPU's number, where there is one.
    pub gpus: Vec<u32>,
}

/// How images of many requests are put together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BatchingConfig {
    /// The most images of one run.
    #[schema(example = json!([8]))]
    pub preferred_batch_size: Vec<i32>,
    /// How long an image waits for its batch to fill up.
    pub max_queue_delay_microseconds: u64,
    /// 2: live traffic and what yields to it.
    pub priority_levels: u64,
    /// 1: live traffic.
    pub default_priority_level: u64,
    /// How images wait.
    pub default_queue_policy: QueuePolicy,
}

/// How images wait for a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QueuePolicy {
    /// `REJECT`: an image whose time is up is not computed.
    #[schema(example = "REJECT")]
    pub timeout_action: &'static str,
    /// The deadline of a request that names none.
    pub default_timeout_microseconds: u64,
    /// Whether a request may name a shorter one.
    pub allow_timeout_override: bool,
    /// The most images that wait.
    pub max_queue_size: u32,
}

impl ModelConfig {
    pub(super) fn of(model: &LiveModel, limits: &LimitSettings) -> Self {
        let (signature, options) = (&model.signature, model.batcher.options());
        let data_type = if signature.feeding.is_some() { "TYPE_FP32" } else { "TYPE_UINT8" };
        let output = signature.outputs.iter().map(|output| OutputConfig {
            name: output.name.clone(),
            data_type: "TYPE_FP32",
            dims: vec![i64::try_from(output.columns).unwrap_or(i64::MAX)],
        });
        let (kind, gpus) = match model.device {
            Device::Cpu => ("KIND_CPU", Vec::new()),
            Device::Cuda(gpu) => ("KIND_GPU", vec![gpu]),
        };
        let micros =
            |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let small = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            name: model.name.clone(),
            platform: PLATFORM,
            backend: "onnxruntime",
            max_batch_size: small(limits.max_images.get()),
            input: vec![InputConfig {
                name: signature.input.clone(),
                data_type,
                dims: input::shape(signature, -1).split_off(1),
            }],
            output: output.collect(),
            instance_group: vec![InstanceGroup {
                name: model.name.clone(),
                kind,
                count: small(options.instances),
                gpus,
            }],
            dynamic_batching: BatchingConfig {
                preferred_batch_size: vec![small(options.max_batch)],
                max_queue_delay_microseconds: micros(options.max_queue_delay),
                priority_levels: 2,
                default_priority_level: 1,
                default_queue_policy: QueuePolicy {
                    timeout_action: "REJECT",
                    default_timeout_microseconds: micros(limits.request_timeout),
                    allow_timeout_override: true,
                    max_queue_size: u32::try_from(options.max_queue_size).unwrap_or(u32::MAX),
                },
            },
            default_model_filename: "model.onnx",
        }
    }
}
