//! The version whose stored evaluations a promotion reuses.

use crate::{
    inference::engine::Execution,
    models::{ModelVersion, live::LiveModel},
    store::EvaluationRecord,
    timestamp::Timestamp,
};

/// Identifies the predictions of a loaded version.
pub(super) struct EvaluatedVersion {
    sha256: String,
    version: ModelVersion,
    execution: Execution,
    loaded: Timestamp,
}

impl EvaluatedVersion {
    pub(super) fn of(model: &LiveModel) -> Self {
        Self {
            sha256: model.sha256.clone(),
            version: model.version,
            execution: model.execution,
            loaded: Timestamp::from(model.loaded),
        }
    }

    /// Returns whether an evaluation measured this version with its engine and precision, after it was loaded, on readable data.
    pub(super) fn is_measured_by(&self, record: &EvaluationRecord) -> bool {
        let Execution { engine, precision } = self.execution;
        record.sha256 == self.sha256
            && record.version == self.version
            && record.engine == engine.name()
            && record.precision == precision.name()
            && record.created >= self.loaded
            && record.dataset_sha256.is_some()
    }
}

#[cfg(test)]
mod tests {
    use mien_faces::dataset::Split;

    use super::*;
    use crate::{
        inference::engine::Precision,
        store::{EvaluationStatus, JobId},
    };

    fn record(engine: &str, precision: &str) -> EvaluationRecord {
        EvaluationRecord {
            id: JobId::random(),
            status: EvaluationStatus::Succeeded,
            model: "m".to_owned(),
            version: ModelVersion::FIRST,
            sha256: "ab".to_owned(),
            engine: engine.to_owned(),
            precision: precision.to_owned(),
            dataset: "faces".to_owned(),
            split: Split::Test,
            dataset_sha256: Some("cd".to_owned()),
            limit: None,
            is_whole: true,
            total: 1,
            done: 1,
            request_id: None,
            created: Timestamp::now(),
            started: None,
            finished: None,
            accuracy: None,
            error: None,
            summary: None,
            report: None,
        }
    }

    #[test]
    fn other_engine_or_precision_is_not_reused() {
        let version = EvaluatedVersion {
            sha256: "ab".to_owned(),
            version: ModelVersion::FIRST,
            execution: Execution::openvino(Precision::Bf16),
            loaded: Timestamp::from(std::time::SystemTime::UNIX_EPOCH),
        };
        assert!(version.is_measured_by(&record("openvino", "bf16")));
        assert!(!version.is_measured_by(&record("openvino", "fp32")));
        assert!(!version.is_measured_by(&record("onnxruntime", "fp32")));
        let other_file = EvaluationRecord {
            sha256: "ef".to_owned(),
            ..record("openvino", "bf16")
        };
        assert!(!version.is_measured_by(&other_file));
    }
}
