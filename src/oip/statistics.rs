//! Statistics of a version in the format of Triton's statistics extension.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    metrics::{Total, Totals},
    models::{ModelVersion, registry::LiveModel},
};

/// Statistics of a version since it was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelStatistics {
    /// The model's name.
    #[schema(example = "resnet-20-v1")]
    pub name: String,
    /// The version.
    #[schema(value_type = String, example = "1")]
    pub version: ModelVersion,
    /// Time of the last request in milliseconds since 1970; 0 before the first.
    pub last_inference: u64,
    /// Number of classified images.
    pub inference_count: u64,
    /// Number of inference calls.
    pub execution_count: u64,
    /// Requests and their durations.
    pub inference_stats: InferStatistics,
    /// Inference calls by batch size.
    pub batch_stats: Vec<BatchStatistics>,
}

/// Requests and their durations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InferStatistics {
    /// Successful requests, from queueing to response.
    pub success: DurationStatistic,
    /// Failed requests.
    pub fail: DurationStatistic,
    /// Time in the queue.
    pub queue: DurationStatistic,
    /// Time of converting and decoding the input, before the queue.
    pub compute_input: DurationStatistic,
    /// Time of inference, including copies to and from ONNX Runtime.
    pub compute_infer: DurationStatistic,
    /// Time of creating the output tensors.
    pub compute_output: DurationStatistic,
}

/// Inference calls of one batch size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BatchStatistics {
    /// Batch size.
    pub batch_size: u64,
    /// Always 0, because it is part of `compute_infer`.
    pub compute_input: DurationStatistic,
    /// Time of inference, including copies to and from ONNX Runtime.
    pub compute_infer: DurationStatistic,
    /// Always 0, because it is part of `compute_infer`.
    pub compute_output: DurationStatistic,
}

/// A count and a total duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct DurationStatistic {
    /// Count.
    pub count: u64,
    /// Total duration in nanoseconds.
    pub ns: u64,
}

impl From<Total> for DurationStatistic {
    fn from(total: Total) -> Self {
        Self {
            count: total.count,
            ns: total.nanos,
        }
    }
}

impl ModelStatistics {
    pub(super) fn of(model: &LiveModel) -> Self {
        let totals = model.metrics.statistics().totals();
        let Totals {
            last_inference,
            images,
            success,
            fail,
            queue,
            inference,
            input,
            output,
            batches,
        } = totals;
        let batch = |(images, total): (usize, Total)| BatchStatistics {
            batch_size: u64::try_from(images).unwrap_or(u64::MAX),
            compute_input: DurationStatistic::default(),
            compute_infer: total.into(),
            compute_output: DurationStatistic::default(),
        };
        Self {
            name: model.name.clone(),
            version: model.version,
            last_inference,
            inference_count: images,
            execution_count: batches.values().map(|total| total.count).sum(),
            inference_stats: InferStatistics {
                success: success.into(),
                fail: fail.into(),
                queue: queue.into(),
                compute_input: input.into(),
                compute_infer: inference.into(),
                compute_output: output.into(),
            },
            batch_stats: batches.into_iter().map(batch).collect(),
        }
    }
}
