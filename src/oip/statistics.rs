//! A version's statistics, as Triton's statistics extension tells them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    metrics::{Total, Totals},
    models::registry::LiveModel,
};

/// What a version has done since it was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelStatistics {
    /// The model's name.
    #[schema(example = "resnet-20-v1")]
    pub name: String,
    /// The version.
    #[schema(example = "1")]
    pub version: String,
    /// When the last request came, in milliseconds since 1970; 0 before the first.
    pub last_inference: u64,
    /// Images that were classified.
    pub inference_count: u64,
    /// Runs of the model.
    pub execution_count: u64,
    /// Requests, and where their time went.
    pub inference_stats: InferStatistics,
    /// Runs, by how many images they had.
    pub batch_stats: Vec<BatchStatistics>,
}

/// Requests, and where their time went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InferStatistics {
    /// Answered requests, from their place in the queue to their answers.
    pub success: DurationStatistic,
    /// Requests that failed there.
    pub fail: DurationStatistic,
    /// Waiting for a worker.
    pub queue: DurationStatistic,
    /// Making images of what was sent, decoding included; before the queue.
    pub compute_input: DurationStatistic,
    /// Running the model, the copies into and out of ONNX Runtime included.
    pub compute_infer: DurationStatistic,
    /// Making the tensors of the answer.
    pub compute_output: DurationStatistic,
}

/// Runs of one size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BatchStatistics {
    /// Images of a run.
    pub batch_size: u64,
    /// Always without time: it is part of `compute_infer`.
    pub compute_input: DurationStatistic,
    /// Running the model, the copies into and out of ONNX Runtime included.
    pub compute_infer: DurationStatistic,
    /// Always without time: it is part of `compute_infer`.
    pub compute_output: DurationStatistic,
}

/// How often something happened and how long it took in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct DurationStatistic {
    /// How often.
    pub count: u64,
    /// How long, in nanoseconds.
    pub ns: u64,
}

impl From<Total> for DurationStatistic {
    fn from(total: Total) -> Self {
        Self { count: total.count, ns: total.nanos }
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
            version: model.version.to_string(),
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
