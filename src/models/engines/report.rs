//! The result of trying an engine.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::inference::{
    agreement::Agreement,
    engine::{Engine, Execution, Precision},
    runtime::openvino::OpenVinoError,
};

/// The result of trying an engine for a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EngineReport {
    /// The engine.
    pub engine: Engine,
    /// The precision.
    pub precision: Precision,
    /// Throughput of all sessions in the measurement, in images per second. Missing if the engine was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images_per_second: Option<f64>,
    /// Comparison with the default provider. Missing for the default provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// Why the engine is not used, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl EngineReport {
    /// Returns the report of an engine that was not measured.
    pub(super) fn new(execution: Execution) -> Self {
        let Execution { engine, precision } = execution;
        Self {
            engine,
            precision,
            images_per_second: None,
            agreement: None,
            problem: None,
        }
    }

    /// Returns the report of an engine that cannot be used.
    pub(super) fn failed(execution: Execution, error: &OpenVinoError) -> Self {
        Self {
            problem: Some(error.to_string()),
            ..Self::new(execution)
        }
    }

    /// Returns engine and precision.
    pub fn execution(&self) -> Execution {
        Execution {
            engine: self.engine,
            precision: self.precision,
        }
    }
}

/// Sets the comparison of an engine.
pub(super) fn set_agreement(
    reports: &mut Vec<EngineReport>,
    execution: Execution,
    agreement: Agreement,
) {
    let report = entry(reports, execution);
    (report.agreement, report.problem) = (Some(agreement), None);
}

/// Sets why an engine cannot be used.
pub(super) fn set_problem(
    reports: &mut Vec<EngineReport>,
    execution: Execution,
    error: &OpenVinoError,
) {
    entry(reports, execution).problem = Some(error.to_string());
}

/// Returns the report of an engine, which is created if it does not exist.
fn entry(reports: &mut Vec<EngineReport>, execution: Execution) -> &mut EngineReport {
    let index = reports
        .iter()
        .position(|report| report.execution() == execution);
    let index = index.unwrap_or_else(|| {
        reports.push(EngineReport::new(execution));
        reports.len() - 1
    });
    &mut reports[index]
}
