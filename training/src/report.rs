//! What is known of an exported model: `report.json`, and `report.md` and the card made from it.

use mien_faces::{
    dataset::DuplicateCounts,
    report::{Report, Score},
};
use serde::{Deserialize, Serialize};

use crate::{
    machine::{Machine, Workplace},
    recipe::Recipe,
    train::run::SourceFile,
    tta::Tta,
};

pub mod keys;
mod markdown;
mod tables;

pub use markdown::{CARD_MARK, card, report};

/// Name of the report's JSON file beside the model, and in the run's folder.
pub const JSON: &str = "report.json";

/// All that an export found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// The network's name in the catalogue.
    pub architecture: String,
    /// All its values.
    pub parameters: usize,
    /// Those that are trained.
    pub trainable: usize,
    /// Multiply-adds of one face.
    pub multiply_adds: u64,
    /// SHA-256 of `model.onnx`, 64 hex digits.
    pub sha256: String,
    /// When it was exported, RFC 3339, UTC.
    pub created: String,
    /// How it was trained.
    pub training: Training,
    /// Number of training faces that the batch-norm statistics were recomputed from; absent if they are those of training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precise_bn_faces: Option<usize>,
    /// Every choice of the run.
    pub recipe: Recipe,
    /// The temperature inside the graph.
    pub temperature: Temperature,
    /// The faces that choices are made on; absent where none were held out.
    pub holdout: Option<Holdout>,
    /// The test faces, by ONNX Runtime; absent where the data set has none.
    pub test: Option<Test>,
    /// How fast ONNX Runtime answers.
    pub speed: Speed,
    /// Largest difference between a logit or probability of libtorch and of ONNX Runtime.
    pub parity: f32,
}

/// How a model was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Name of the run's folder.
    pub run: String,
    /// Finished epochs.
    pub epochs: usize,
    /// Faces that were trained on.
    pub faces: usize,
    /// Faces of train that were held out.
    pub held_out: usize,
    /// SHA-256 of the training split.
    pub data_sha256: String,
    /// Seconds of training, over all resumes, without evaluating and saving.
    pub seconds: f64,
    /// The run with whose weights it began, where it did not begin at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<SourceFile>,
    /// Where it ran, in order; empty for runs of versions that did not note it.
    pub workplaces: Vec<Workplace>,
}

/// The temperature inside the graph, and where it is from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    /// What logits are divided by before the softmax.
    pub value: f64,
    /// Where it is from.
    pub source: TemperatureSource,
}

/// Where a temperature is from. Never from test faces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemperatureSource {
    /// Fitted on the faces that the run held out.
    Holdout,
    /// Fitted on the faces that another run of the same recipe held out.
    HoldoutOf(String),
    /// Named on the command line.
    Given,
    /// None was fitted: it is 1.
    NotFitted,
}

/// How honest confidences are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Expected calibration error over 15 bins, 0..1.
    pub expected_calibration_error: Option<f64>,
    /// Mean negative log-likelihood, nats.
    pub log_loss: Option<f64>,
}

impl Calibration {
    /// That of a report.
    pub fn of(report: &Report) -> Self {
        Self {
            expected_calibration_error: report.expected_calibration_error,
            log_loss: report.log_loss,
        }
    }
}

/// What held-out faces say, at 48 px, by libtorch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Holdout {
    /// The run whose faces and weights these are, where it is another one.
    pub of_run: Option<String>,
    /// How often the averaged weights are right.
    #[serde(flatten)]
    pub score: Score,
    /// At temperature 1.
    pub before: Calibration,
    /// At the model's temperature.
    pub after: Calibration,
}

/// What the test faces say. Nothing is ever chosen by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// The exported file's answers, the temperature inside.
    #[serde(flatten)]
    pub report: Report,
    /// The same logits at temperature 1.
    pub before: Calibration,
    /// Faces that are there more than once, and the figures without them; absent where the training faces are not at hand.
    pub duplicates: Option<DuplicateReport>,
    /// The averaged answers for several views of each face; absent where the recipe asks for none.
    pub tta: Option<TtaReport>,
}

/// Duplicates, and how accurate the model is without the test faces that also lie in train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DuplicateReport {
    /// How many there are.
    #[serde(flatten)]
    pub counts: DuplicateCounts,
    /// The figures without the test faces that also lie in train.
    pub without: Report,
}

/// Accuracy with test-time averaging: what the file reaches where a client shows it several views of each face.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TtaReport {
    /// Which views.
    pub kind: Tta,
    /// How many.
    pub views: usize,
    /// The figures.
    #[serde(flatten)]
    pub report: Report,
}

/// How fast a file answers on one thread of ONNX Runtime, one face at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Median, ms a face.
    pub milliseconds: f64,
    /// Over so many runs.
    pub runs: usize,
    /// On this machine.
    pub machine: Machine,
}
