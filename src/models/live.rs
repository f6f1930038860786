//! A version that serves, and where the others stand.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{manifest::Manifest, repository::Fingerprint, sidecar::Sidecar};
use crate::{
    batching::Batcher,
    inference::{runtime::Device, signature::Signature},
    metrics::ModelMetrics,
    tuning::Tuning,
};

/// A version that serves. Requests hold it while they use it: a version that is taken out of the registry answers
/// the requests that have found it already, and its workers end when the last of them is gone.
pub struct LiveModel {
    /// The model's name, its folder's.
    pub name: String,
    /// The version, positive.
    pub version: u64,
    /// What the file says about itself.
    pub manifest: Manifest,
    /// What stands beside it.
    pub sidecar: Sidecar,
    /// How it is fed and read.
    pub signature: Signature,
    /// What it runs on.
    pub device: Device,
    /// Why it is served as it is.
    pub tuning: Tuning,
    /// SHA-256 of `model.onnx`, or one over an ensemble's members and weights, lower-case hex.
    pub sha256: String,
    /// The state of the folder that it was loaded from.
    pub fingerprint: Fingerprint,
    /// When that was.
    pub loaded: SystemTime,
    /// The model's metrics.
    pub metrics: ModelMetrics,
    /// The door to its workers.
    pub batcher: Batcher,
}

impl LiveModel {
    /// The network's architecture, `unknown` where the file does not say.
    pub fn architecture(&self) -> &str {
        self.manifest.architecture.as_deref().unwrap_or("unknown")
    }

    /// Whether another one is made of the same file and fed and read in the same way: it gives the same answers.
    pub fn answers_as(&self, other: &Self) -> bool {
        self.sha256 == other.sha256
            && self.manifest.labels == other.manifest.labels
            && self.sidecar.feeding() == other.sidecar.feeding()
            && self.sidecar.output == other.sidecar.output
    }
}

/// The versions of one model.
pub type Versions = BTreeMap<u64, VersionState>;

/// Where a version stands. Reasons name no path.
#[derive(Clone)]
pub enum VersionState {
    /// It serves.
    Ready {
        /// The model.
        model: Arc<LiveModel>,
        /// Why the files that are now on disk could not take its place, where that was tried.
        problem: Option<String>,
    },
    /// It is being loaded, or waits for its turn.
    Loading,
    /// It could not be loaded, and why.
    Failed(String),
    /// It takes no more requests; `Weak` can be upgraded as long as some are being answered.
    Retired(Weak<LiveModel>),
    /// It is on disk and was not asked for.
    Unloaded,
}

impl VersionState {
    /// The model, where it serves.
    pub fn live(&self) -> Option<&Arc<LiveModel>> {
        match self {
            Self::Ready { model, .. } => Some(model),
            Self::Loading | Self::Failed(_) | Self::Retired(_) | Self::Unloaded => None,
        }
    }

    /// Where it stands, for people and other programs.
    pub fn phase(&self) -> Phase {
        match self {
            Self::Ready { .. } => Phase::Ready,
            Self::Loading => Phase::Loading,
            Self::Failed(_) => Phase::Failed,
            Self::Retired(model) if model.strong_count() > 0 => Phase::Unloading,
            Self::Retired(_) | Self::Unloaded => Phase::Unloaded,
        }
    }

    /// What went wrong with the version or with its replacement.
    pub fn problem(&self) -> Option<&str> {
        match self {
            Self::Ready { problem, .. } => problem.as_deref(),
            Self::Failed(reason) => Some(reason),
            Self::Loading | Self::Retired(_) | Self::Unloaded => None,
        }
    }
}

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Status)]
pub enum Phase {
    /// It answers requests.
    Ready,
    /// It is being loaded, or waits for its turn.
    Loading,
    /// It could not be loaded.
    Failed,
    /// It answers the requests that it has, and takes no more.
    Unloading,
    /// It is on disk and not in memory.
    Unloaded,
}
