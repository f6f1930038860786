//! A version's statistics as messages.

use crate::{grpc::proto, v2};

impl From<v2::DurationStatistic> for proto::StatisticDuration {
    fn from(statistic: v2::DurationStatistic) -> Self {
        Self { count: statistic.count, ns: statistic.ns }
    }
}

impl From<v2::BatchStatistics> for proto::InferBatchStatistics {
    fn from(batch: v2::BatchStatistics) -> Self {
        Self {
            batch_size: batch.batch_size,
            compute_input: Some(batch.compute_input.into()),
            compute_infer: Some(batch.compute_infer.into()),
            compute_output: Some(batch.compute_output.into()),
        }
    }
}

impl From<v2::InferStatistics> for proto::InferStatistics {
    fn from(stats: v2::InferStatistics) -> Self {
        Self {
            success: Some(stats.success.into()),
            fail: Some(stats.fail.into()),
            queue: Some(stats.queue.into()),
            compute_input: Some(stats.compute_input.into()),
            compute_infer: Some(stats.compute_infer.into()),
            compute_output: Some(stats.compute_output.into()),
        }
    }
}

impl From<v2::ModelStatistics> for proto::ModelStatistics {
    fn from(stats: v2::ModelStatistics) -> Self {
        Self {
            name: stats.name,
            version: stats.version,
            last_inference: stats.last_inference,
            inference_count: stats.inference_count,
            execution_count: stats.execution_count,
            inference_stats: Some(stats.inference_stats.into()),
            batch_stats: stats.batch_stats.into_iter().map(Into::into).collect(),
        }
    }
}
