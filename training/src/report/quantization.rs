//! Report of an INT8 file: `report.json`, and the card that is generated from it.

use std::path::PathBuf;

use mien_faces::report::{CompareError, Outcome, Prediction, Report, Score, Tally, compare};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{DuplicateReport, Speed};

mod card;

pub use card::card;

/// All figures of a quantisation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuantizationReport {
    /// The network's name in the catalogue.
    pub architecture: String,
    /// Time of the quantisation, RFC 3339, UTC.
    pub created: String,
    /// The float file.
    pub float: FileReport,
    /// The INT8 file.
    #[serde(flatten)]
    pub int8: FileReport,
    /// SHA-256 of the training split, 64 hex digits.
    pub data_sha256: String,
    /// Number of training faces on which the ranges of activations were measured.
    pub calibration_faces: usize,
    /// All calibration methods on the held-out faces.
    pub methods: Vec<MethodReport>,
    /// The selected calibration method.
    pub method: String,
    /// Maximum increase of the held-out log-loss, nats.
    pub max_loss: f64,
    /// The comparison on the held-out faces.
    pub holdout: Paired,
    /// The comparison on the test faces; absent if the data set has none.
    pub test: Option<QuantizedTest>,
    /// Number of files of this network in the models folder that were evaluated on the test faces, with this file; absent
    /// without test faces.
    pub judged_files: Option<usize>,
}

/// A model file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileReport {
    /// Its path; absent for the file that the report belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// SHA-256, 64 hex digits.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: usize,
    /// Latency in ONNX Runtime.
    pub speed: Speed,
}

impl FileReport {
    /// Describes a file by its bytes and its latency.
    pub(crate) fn of(bytes: &[u8], speed: Speed) -> Self {
        Self {
            path: None,
            sha256: hex::encode(Sha256::digest(bytes)),
            bytes: bytes.len(),
            speed,
        }
    }
}

/// A calibration method on the held-out faces.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MethodReport {
    /// Name of the method.
    pub method: String,
    /// Mean negative log-likelihood of the INT8 file, nats.
    pub log_loss: f64,
}

/// The INT8 file and the float file on the same faces. Differences are INT8 minus float.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Paired {
    /// Number of faces.
    pub faces: u64,
    /// The float file.
    pub float: Figures,
    /// The INT8 file.
    pub int8: Figures,
    /// Difference of the accuracies, -1 to 1.
    pub difference: f64,
    /// The 95 % interval of the difference for paired faces.
    pub difference_interval: [f64; 2],
    /// Number of faces that get another label.
    pub labels_changed: u64,
}

/// The figures of one file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Accuracy.
    #[serde(flatten)]
    pub score: Score,
    /// Mean negative log-likelihood, nats; absent without faces.
    pub log_loss: Option<f64>,
}

/// The INT8 file on the test faces. Nothing is chosen by these figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuantizedTest {
    /// Metrics of the INT8 file.
    #[serde(flatten)]
    pub report: Report,
    /// Comparison with the float file.
    pub paired: Paired,
    /// Duplicates and the metrics of the INT8 file without them.
    pub duplicates: DuplicateReport,
}

impl Paired {
    /// Compares the outcomes of both files for the same faces in the same order.
    ///
    /// # Errors
    /// Returns an error if the list of faces is empty.
    pub(crate) fn of(float: &[Outcome], int8: &[Outcome]) -> Result<Self, CompareError> {
        let [a, b] = [float, int8].map(predictions);
        let compared = compare(&a, &b)?;
        let figures = |score, predictions: &[Prediction]| Figures {
            score,
            log_loss: predictions.iter().collect::<Tally>().report().log_loss,
        };
        Ok(Self {
            faces: compared.images,
            float: figures(compared.a, &a),
            int8: figures(compared.b, &b),
            difference: compared.difference,
            difference_interval: compared.difference_interval,
            labels_changed: compared.flipped.count,
        })
    }

    /// Returns the increase of the log-loss, nats.
    pub fn loss(&self) -> f64 {
        let increase = self.int8.log_loss.zip(self.float.log_loss);
        increase.map_or(f64::NAN, |(int8, float)| int8 - float)
    }
}

/// Returns outcomes as predictions whose names are their positions.
fn predictions(outcomes: &[Outcome]) -> Vec<Prediction> {
    let prediction = |(index, outcome): (usize, &Outcome)| Prediction {
        image: index.to_string(),
        name: index.to_string(),
        usage: outcome.usage,
        truth: outcome.truth,
        probabilities: outcome.probabilities,
    };
    outcomes.iter().enumerate().map(prediction).collect()
}
