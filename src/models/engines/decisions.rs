//! The selected engines.

use std::{collections::BTreeMap, sync::Mutex};

use mien_host::sync::lock;

use super::report::EngineReport;
use crate::inference::{
    engine::{Execution, ExecutionChoice},
    runtime::openvino::OpenVinoError,
};

/// The engine of a model file.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Decision {
    pub(super) execution: Execution,
    /// The engines that were tried.
    pub(super) reports: Vec<EngineReport>,
}

impl Decision {
    /// Returns the decision for the default provider, because the requested engine cannot be used.
    pub(super) fn default_provider(requested: Execution, error: &OpenVinoError) -> Self {
        Self {
            execution: Execution::default(),
            reports: vec![EngineReport::failed(requested, error)],
        }
    }
}

/// The decisions of this process, by the SHA-256 of the model and its settings, and the last engine of each name.
#[derive(Default)]
pub(super) struct Decisions {
    by_file: Mutex<BTreeMap<(String, String), Decision>>,
    by_name: Mutex<BTreeMap<(String, String), Execution>>,
}

impl Decisions {
    /// Returns the decision for a model file.
    pub(super) fn get(&self, sha256: &str, choice: ExecutionChoice) -> Option<Decision> {
        lock(&self.by_file).get(&key(sha256, choice)).cloned()
    }

    /// Stores the decision for a model file.
    pub(super) fn set(&self, sha256: &str, choice: ExecutionChoice, decision: Decision) {
        lock(&self.by_file).insert(key(sha256, choice), decision);
    }

    /// Returns the last engine of a model, which a new version uses until its own engine is selected.
    pub(super) fn inherited(&self, name: &str, choice: ExecutionChoice) -> Option<Execution> {
        lock(&self.by_name).get(&key(name, choice)).copied()
    }

    /// Stores the engine of a model.
    pub(super) fn set_inherited(&self, name: &str, choice: ExecutionChoice, execution: Execution) {
        lock(&self.by_name).insert(key(name, choice), execution);
    }
}

fn key(of: &str, choice: ExecutionChoice) -> (String, String) {
    (of.to_owned(), format!("{choice:?}"))
}
