//! Report of an exported model: `report.json`, and the `report.md` and model card that are generated from it.

use std::{collections::BTreeMap, fs, path::Path};

use mien_faces::{
    dataset::DuplicateCounts,
    report::{Report, Score},
};
use serde::{Deserialize, Serialize};

use crate::{
    machine::{Environment, Machine},
    onnx::{views::Views, weights::WeightFormat},
    recipe::Recipe,
    train::run::source_file::SourceFile,
    tta::Tta,
};

mod card;
pub mod ensemble;
pub mod keys;
mod markdown;
pub mod quantization;
mod tables;

pub use self::{
    card::CARD_MARK,
    markdown::{card, report},
};

/// Name of the report's JSON file in the folders of model and run.
pub const JSON: &str = "report.json";

/// Name of the report's Markdown file in the folder of the model.
pub const MARKDOWN: &str = "report.md";

/// Name of the model card.
pub const CARD: &str = "README.md";

/// Returns the accuracy per split: `test` for all test faces, and the splits that the file names give.
pub(crate) fn accuracies(report: &Report) -> BTreeMap<String, f64> {
    let parts = report
        .splits
        .iter()
        .map(|(usage, score)| (usage.name().to_owned(), score.accuracy));
    let all = std::iter::once(("test".to_owned(), report.score.accuracy)).chain(parts);
    all.filter_map(|(split, accuracy)| Some((split, accuracy?)))
        .collect()
}

/// Contents of `report.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// The network's name in the catalogue.
    pub architecture: String,
    /// Number of parameters.
    pub parameters: usize,
    /// Number of trainable parameters.
    pub trainable: usize,
    /// Multiply-adds per view of a face.
    pub multiply_adds: u64,
    /// The views of a face that the file averages.
    #[serde(default)]
    pub views: Views,
    /// Element type of the stored weights.
    #[serde(default)]
    pub weights: WeightFormat,
    /// SHA-256 of `model.onnx`, 64 hex digits.
    pub sha256: String,
    /// Time of the export, RFC 3339, UTC.
    pub created: String,
    /// Training data and duration.
    pub training: Training,
    /// Number of training faces that the batch-norm statistics were recomputed from; absent if they are those of training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precise_bn_faces: Option<usize>,
    /// The recipe of the run.
    pub recipe: Recipe,
    /// The temperature inside the graph.
    pub temperature: Temperature,
    /// Metrics on the held-out faces; absent if there are none.
    pub holdout: Option<Holdout>,
    /// Metrics on the test faces, computed by ONNX Runtime; absent if the data set has none.
    pub test: Option<Test>,
    /// Latency in ONNX Runtime.
    pub speed: Speed,
    /// Largest difference between a logit or probability of libtorch and of ONNX Runtime, with float32 weights.
    pub parity: f32,
    /// Effect of rounding the weights; absent if they are float32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
}

impl ModelReport {
    /// Reads the report in a folder; `None` if it is missing, damaged or of another version.
    pub fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(JSON)).ok()?).ok()
    }
}

/// Comparison of a file with rounded weights and the same file with float32 weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rounding {
    /// Number of compared faces: all held-out faces, or those of the parity check if none are held out.
    pub faces: usize,
    /// Largest difference of a probability, or of a logit as a share of the largest logit.
    pub difference: f32,
    /// Number of faces that get another label.
    pub labels_changed: usize,
}

/// Training data and duration of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Name of the run's folder.
    pub run: String,
    /// Finished epochs.
    pub epochs: usize,
    /// Number of training faces.
    pub faces: usize,
    /// Number of held-out training faces.
    pub held_out: usize,
    /// SHA-256 of the training split.
    pub data_sha256: String,
    /// SHA-256 of the checkpoint whose averaged weights were exported, 64 hex digits; absent in older reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_sha256: Option<String>,
    /// Seconds of training in all processes, without evaluation and checkpoints.
    pub seconds: f64,
    /// The run that provided the initial weights; absent for random ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<SourceFile>,
    /// Environments of the run, in order; empty for runs of versions that did not record them.
    #[serde(rename = "workplaces")]
    pub environments: Vec<Environment>,
}

/// The temperature inside the graph, and its source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    /// Divisor of the logits before the softmax, above 0.
    pub value: f64,
    /// Source of the value.
    pub source: TemperatureSource,
}

/// Source of a temperature. Test faces are never used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemperatureSource {
    /// Fitted on the faces that the run held out.
    Holdout,
    /// Fitted on the held-out faces of another run of the same recipe.
    HoldoutOf(String),
    /// Set on the command line.
    Given,
    /// Not fitted; the temperature is 1.
    NotFitted,
}

/// Calibration of confidences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Expected calibration error over 15 bins, 0..1.
    pub expected_calibration_error: Option<f64>,
    /// Mean negative log-likelihood, nats.
    pub log_loss: Option<f64>,
}

impl Calibration {
    /// Returns the calibration of a report.
    pub fn of(report: &Report) -> Self {
        Self {
            expected_calibration_error: report.expected_calibration_error,
            log_loss: report.log_loss,
        }
    }
}

/// Metrics on the held-out faces at 48 px, computed by libtorch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Holdout {
    /// The run whose held-out faces and weights were used; absent for the exported run itself.
    pub of_run: Option<String>,
    /// Accuracy of the averaged weights.
    #[serde(flatten)]
    pub score: Score,
    /// Calibration at temperature 1.
    pub before: Calibration,
    /// Calibration at the model's temperature.
    pub after: Calibration,
}

/// Metrics on the test faces. They are never used for model selection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// Metrics of the exported file.
    #[serde(flatten)]
    pub report: Report,
    /// Calibration at temperature 1; absent if the file averages several views, because it does not return their logits.
    pub before: Option<Calibration>,
    /// Duplicates and the metrics without them; absent if the training faces are not known.
    pub duplicates: Option<DuplicateReport>,
    /// Metrics of the average over several views of each face; absent without test-time augmentation.
    pub tta: Option<TtaReport>,
}

/// Numbers of duplicates, and the metrics without the test faces that are also training faces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DuplicateReport {
    /// Numbers of duplicates.
    #[serde(flatten)]
    pub counts: DuplicateCounts,
    /// Metrics without the test faces that are also training faces.
    pub without: Report,
}

/// Metrics with test-time augmentation, for clients that send several views of each face and average the outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TtaReport {
    /// Kind of test-time augmentation.
    pub kind: Tta,
    /// Number of views per face.
    pub views: usize,
    /// Metrics.
    #[serde(flatten)]
    pub report: Report,
}

/// Latency of a file at batch size 1 on one thread of ONNX Runtime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Median, ms per face.
    pub milliseconds: f64,
    /// Number of measured runs.
    pub runs: usize,
    /// The machine.
    pub machine: Machine,
}
