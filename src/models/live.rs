//! Versions in memory and their states.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::{Instant, SystemTime},
};

use arc_swap::ArcSwap;
use opentelemetry::KeyValue;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ModelVersion,
    engines::EngineReport,
    manifest::Manifest,
    mirror::{ImageSource, MirrorSlot},
    repository::{MODEL_FILE, VersionDir},
    source::identity,
    version_config::{CONFIG_FILE, VersionConfig},
};
use crate::{
    batching::{BatchError, BatchResponse, Batcher, RequestOptions, record_spans},
    drift::{FaceFeatures, Monitor},
    inference::{
        InferenceError, Input, Labels, Prediction,
        engine::Execution,
        runtime::Device,
        signature::{InputScaling, OutputKind, Signature},
    },
    metrics::ModelMetrics,
    tuning::Tuning,
};

/// A loaded version. Requests hold an `Arc` to it. A version that was removed from the registry still completes these
/// requests; its workers end when the last `Arc` is dropped.
pub struct LiveModel {
    /// Name of the model, which is that of its directory.
    pub name: String,
    /// Version.
    pub version: ModelVersion,
    /// The metadata of the files.
    pub manifest: Manifest,
    /// The `mien.toml`.
    pub config: VersionConfig,
    /// Input and outputs.
    pub signature: Signature,
    /// The device.
    pub device: Device,
    /// Engine and precision.
    pub execution: Execution,
    /// The engines that were tried.
    pub engines: ArcSwap<Vec<EngineReport>>,
    /// The serving configuration and its origin. The origin changes when a measurement confirms the configuration.
    pub tuning: ArcSwap<Tuning>,
    /// SHA-256 of `model.onnx`, or of an ensemble's members and weights, lower-case hex.
    pub sha256: String,
    /// The directory and the state of the files that it was loaded from.
    pub dir: VersionDir,
    /// Time of the load.
    pub loaded: SystemTime,
    /// Metrics of the model.
    pub metrics: ModelMetrics,
    /// Compares the images of clients with an evaluation; `None` if drift is not detected.
    pub drift: Option<Arc<Monitor>>,
    /// Copies images of clients for a shadow.
    pub mirror: MirrorSlot,
    /// Queue and workers.
    pub batcher: Batcher,
}

impl LiveModel {
    /// Runs the model on the inputs of a request, and records the queue and the inference calls in the trace of the request. If a shadow
    /// runs, it gets copies of some inputs.
    ///
    /// # Errors
    /// Returns the errors of [`Batcher::infer`].
    pub async fn infer(
        &self,
        inputs: Vec<Input>,
        options: RequestOptions,
        source: ImageSource,
    ) -> Result<BatchResponse, BatchError> {
        let copies = self.mirror.copy(&inputs, source);
        let enqueued = Instant::now();
        let result = self.batcher.infer(inputs, options).await;
        if let (Some(copies), Ok(response)) = (copies, &result) {
            copies.queue(response);
        }
        record_spans(&result, enqueued, || {
            vec![
                KeyValue::new("mien.model.name", self.name.clone()),
                KeyValue::new("mien.model.version", self.version.to_string()),
                KeyValue::new("mien.engine", self.execution.engine.name()),
                KeyValue::new("mien.precision", self.execution.precision.name()),
            ]
        });
        result
    }

    /// Returns the architecture, or `unknown` if the file has none.
    pub fn architecture(&self) -> &str {
        self.manifest.architecture.as_deref().unwrap_or("unknown")
    }

    /// Measures the faces of a request for [`Self::record_predictions`], if drift is detected.
    pub fn measure(&self, faces: impl Iterator<Item = FaceFeatures>) -> Option<Vec<FaceFeatures>> {
        self.drift.as_ref()?.measure(faces)
    }

    /// Records predictions for clients. `faces` are the features of the faces in the same order.
    pub fn record_predictions(&self, faces: Option<&[FaceFeatures]>, predictions: &[Prediction]) {
        self.metrics.record_predictions(predictions);
        if let (Some(monitor), Some(faces)) = (&self.drift, faces) {
            monitor.record(faces, predictions);
        }
    }

    /// Returns whether another version has the same file, labels, scaling, output and engine, and therefore the same predictions.
    pub fn predicts_like(&self, other: &Self) -> bool {
        self.execution == other.execution && self.has_files_of(other)
    }

    /// Returns whether another version has the same file, labels, scaling and output.
    pub fn has_files_of(&self, other: &Self) -> bool {
        self.files() == other.files()
    }

    /// Returns whether the files of a directory have the content of those that this version was loaded from, although their fingerprint
    /// differs because they were touched or rewritten.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read.
    pub fn has_content_of(&self, dir: &VersionDir) -> Result<bool, InferenceError> {
        let by_content = [MODEL_FILE, CONFIG_FILE];
        if self.dir.fingerprint.without(&by_content) != dir.fingerprint.without(&by_content) {
            return Ok(false);
        }
        let config = VersionConfig::read(&dir.path)?;
        Ok(config == self.config && identity(dir, &config)? == self.sha256)
    }

    /// Returns the file, labels, scaling and output. Together with the engine, they determine the predictions of the version.
    pub fn files(&self) -> ServedFiles {
        ServedFiles {
            sha256: self.sha256.clone(),
            labels: self.manifest.labels.clone(),
            scaling: self.config.input_scaling(),
            output: self.config.output,
        }
    }
}

/// The file, labels, scaling and output of a version.
#[derive(Debug, Clone, PartialEq)]
pub struct ServedFiles {
    /// SHA-256 of `model.onnx`, or of an ensemble's members and weights, lower-case hex.
    pub sha256: String,
    labels: Labels,
    scaling: Option<InputScaling>,
    output: Option<OutputKind>,
}

/// The versions of one model.
pub type Versions = BTreeMap<ModelVersion, VersionState>;

/// The state of a version. Reasons do not contain paths.
#[derive(Clone)]
pub enum VersionState {
    /// The version serves.
    Ready {
        /// The loaded version.
        model: Arc<LiveModel>,
        /// Why the files that are on disk now could not be loaded.
        problem: Option<String>,
    },
    /// The version is being loaded or waits to be loaded.
    Loading,
    /// The version could not be loaded, for this reason.
    Failed(String),
    /// The version does not accept requests. `Weak` can be upgraded while requests are pending.
    Retired(Weak<LiveModel>),
    /// The version is on disk only.
    Unloaded,
}

impl VersionState {
    /// Returns the loaded version if it serves.
    pub fn live(&self) -> Option<&Arc<LiveModel>> {
        match self {
            Self::Ready { model, .. } => Some(model),
            Self::Loading | Self::Failed(_) | Self::Retired(_) | Self::Unloaded => None,
        }
    }

    /// Returns the state for clients.
    pub fn phase(&self) -> Phase {
        match self {
            Self::Ready { .. } => Phase::Ready,
            Self::Loading => Phase::Loading,
            Self::Failed(_) => Phase::Failed,
            Self::Retired(model) if model.strong_count() > 0 => Phase::Unloading,
            Self::Retired(_) | Self::Unloaded => Phase::Unloaded,
        }
    }

    /// Returns why the version, or its replacement, could not be loaded.
    pub fn problem(&self) -> Option<&str> {
        match self {
            Self::Ready { problem, .. } => problem.as_deref(),
            Self::Failed(reason) => Some(reason),
            Self::Loading | Self::Retired(_) | Self::Unloaded => None,
        }
    }
}

/// State of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Status)]
pub enum Phase {
    /// The version serves.
    Ready,
    /// The version is being loaded or waits to be loaded.
    Loading,
    /// The version could not be loaded.
    Failed,
    /// The version completes pending requests and does not accept new ones.
    Unloading,
    /// The version is on disk only.
    Unloaded,
}
