//! A version's statistics as messages.

use crate::{grpc::proto, oip};

impl From<oip::DurationStatistic> for proto::StatisticDuration {
    fn from(statistic: oip::DurationStatistic) -> Self {
        Self {
            count: statistic.count,
            ns: statistic.ns,
        }
    }
}

impl From<oip::BatchStatistics> for proto::InferBatchStatistics {
    fn from(batch: oip::BatchStatistics) -> Self {
        Self {
            batch_size: batch.batch_size,
            compute_input: Some(batch.compute_input.into()),
            compute_infer: Some(batch.compute_infer.into()),
            compute_output: Some(batch.compute_output.into()),
        }
    }
}

impl From<oip::InferStatistics> for proto::InferStatistics {
    fn from(stats: oip::InferStatistics) -> Self {
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

impl From<oip::ModelStatistics> for proto::ModelStatistics {
    fn from(stats: oip::ModelStatistics) -> Self {
        Self {
            name: stats.name,
            version: stats.version.to_string(),
            last_inference: stats.last_inference,
            inference_count: stats.inference_count,
            execution_count: stats.execution_count,
            inference_stats: Some(stats.inference_stats.into()),
            batch_stats: stats.batch_stats.into_iter().map(Into::into).collect(),
        }
    }
}
