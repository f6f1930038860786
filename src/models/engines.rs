//! Selects the engine of each version.
//!
//! A version is loaded with the default provider, because OpenVINO needs seconds to compile a network. While the version serves,
//! `selection` tries the engines that its settings allow. If another engine is selected, the version is loaded again, and `opening`
//! opens sessions of that engine.

mod comparison;
mod decisions;
mod measurement;
mod opening;
mod report;
mod selection;
mod stored;
mod trial;

use std::{path::PathBuf, sync::LazyLock};

use mien_host::cpu;

pub use self::report::EngineReport;
use self::{decisions::Decisions, stored::StoredDecisions};
use super::{
    source::{First, SessionKind},
    version_config::VersionConfig,
};
use crate::inference::{
    InferenceError,
    engine::{Execution, ExecutionChoice},
    invalid_model,
};

/// The settings of engines and what is known about the engines of each model.
pub struct Engines {
    /// Device and precision of models whose `mien.toml` does not set them.
    choice: ExecutionChoice,
    decisions: Decisions,
    stored: StoredDecisions,
}

/// Sessions of a version.
pub(super) struct OpenedEngine {
    pub(super) kind: SessionKind,
    /// For the first worker.
    pub(super) first: First,
    /// The engines that were tried.
    pub(super) reports: Vec<EngineReport>,
}

impl Engines {
    /// Creates a selector that stores measured decisions in the directory `cache`.
    pub fn new(choice: ExecutionChoice, cache: Option<PathBuf>) -> Self {
        Self {
            choice,
            decisions: Decisions::default(),
            stored: StoredDecisions::new(cache),
        }
    }

    /// Returns the engine that a version should use: the selected one, otherwise that of the previous version.
    pub(super) fn expected(&self, name: &str, sha256: &str, choice: ExecutionChoice) -> Execution {
        let decision = self.decisions.get(sha256, choice);
        decision.map_or_else(
            || self.decisions.inherited(name, choice).unwrap_or_default(),
            |decision| decision.execution,
        )
    }

    /// Returns device and precision of a version; its `mien.toml` has precedence.
    ///
    /// # Errors
    /// Returns an error if the device does not support the precision.
    pub(super) fn choice(&self, config: &VersionConfig) -> Result<ExecutionChoice, InferenceError> {
        let choice = ExecutionChoice {
            device: config.device.unwrap_or(self.choice.device),
            precision: config.precision.unwrap_or(self.choice.precision),
        };
        choice.check().or_else(invalid_model)
    }
}

/// Returns whether the processor has bfloat16 instructions.
fn has_bf16() -> bool {
    static HAS_BF16: LazyLock<bool> =
        LazyLock::new(|| ["avx512_bf16", "amx_bf16"].into_iter().any(cpu::has_flag));
    *HAS_BF16
}
