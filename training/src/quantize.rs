//! Quantises an exported model to INT8, for `mien-train quantize`.
//!
//! ```text
//! float file -> onnx::quantization (calibration on training faces) -> one file per method -> held-out log-loss
//!   -> best file -> comparison with the float file on held-out and test faces -> version folder
//! ```

use std::{collections::BTreeMap, fs, path::PathBuf, time::SystemTime};

use mien_faces::{dataset::Dataset, report::Outcome};

use crate::{
    export::{
        self, Origin, speed,
        test_evaluation::{self, Labelled},
    },
    machine::Machine,
    onnx::{
        quantization::{
            FloatModel, Range,
            calibration::{Calibration, Method},
        },
        session::{Model, Runtime},
    },
    report::{
        accuracies,
        quantization::{FileReport, MethodReport, Paired, QuantizationReport, QuantizedTest},
    },
    tta::Tta,
};

mod error;
mod faces;
mod folder;
mod judged;
mod test_comparison;

pub use error::QuantizeError;
use faces::Parts;

/// Default number of calibration faces. Ranges hardly change with more.
pub const DEFAULT_CALIBRATION_FACES: usize = 256;

/// Default maximum increase of the held-out log-loss, nats. It is about the difference between `student` (0.849) and its
/// teacher (0.857).
pub const DEFAULT_MAX_LOSS: f64 = 0.01;

/// Metadata key of an INT8 file: the SHA-256 of the float file.
pub const QUANTIZED_FROM: &str = "mien.quantized_from";

/// Inputs of a quantisation.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The float model file.
    pub model: PathBuf,
    /// The data set that the model was trained on.
    pub data: PathBuf,
    /// The INT8 model file to write.
    pub out: PathBuf,
    /// Maximum number of training faces for the calibration.
    pub calibration_faces: usize,
    /// Maximum increase of the held-out log-loss, nats.
    pub max_loss: f64,
}

/// An INT8 file and its log-loss on the held-out faces.
struct Candidate {
    method: Method,
    ranges: Vec<Range>,
    bytes: Vec<u8>,
    outcomes: Vec<Outcome>,
    log_loss: f64,
}

/// Quantises the model and writes the INT8 file with its report and card.
///
/// The calibration method is the one with the lowest log-loss on the held-out faces. The test faces are read once, for the
/// selected file.
///
/// # Errors
/// Returns [`QuantizeError::Loss`] if the held-out log-loss increases by more than `max_loss`; nothing is written then.
/// Also returns an error if the model was not trained on the data set or held out no faces, or a file cannot be read or
/// written.
pub fn run(settings: &Settings) -> Result<QuantizationReport, QuantizeError> {
    folder::check(&settings.model, &settings.out)?;
    let origin = Origin::read(&settings.model)?;
    let bytes = fs::read(&settings.model).map_err(QuantizeError::io(&settings.model))?;
    let float = FloatModel::read(&bytes)?;
    let dataset = Dataset::open(&settings.data)?;
    let train = faces::of_training(&dataset, &settings.data, &origin)?;
    let parts = faces::split(&train, &origin, settings.calibration_faces)?;

    let runtime = Runtime::load()?;
    let candidates = candidates(&runtime, &float, &parts)?;
    let methods = candidates.iter().map(method_report).collect();
    let best = candidates
        .into_iter()
        .min_by(|a, b| a.log_loss.total_cmp(&b.log_loss))
        .expect("there is a candidate per method");
    let of_float = predict(&runtime, &bytes, &parts.held_out)?;
    let holdout = Paired::of(&of_float, &best.outcomes)?;
    check_loss(&holdout, &best, settings.max_loss)?;

    // The accuracy is the only difference between this file and the written one.
    let test = test_comparison::evaluate(&runtime, [&bytes, &best.bytes], &train, &dataset)?;
    let created = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let calibration_faces = parts.calibration.len();
    let metadata = metadata(&origin, &best, calibration_faces, test.as_ref(), &created);
    let int8 = float.quantized(&best.ranges, &metadata)?;
    let real = export::real_faces(&dataset)?;
    let speeds = speed::measure(&runtime, [&bytes, &int8], &real, &Machine::here())?;
    let [float_speed, int8_speed] = speeds;
    let judged = judged::count(&settings.out, &origin.architecture) + 1;
    let report = QuantizationReport {
        architecture: origin.architecture,
        created,
        float: FileReport {
            path: Some(settings.model.clone()),
            ..FileReport::of(&bytes, float_speed)
        },
        int8: FileReport::of(&int8, int8_speed),
        data_sha256: origin.data_sha256,
        calibration_faces,
        methods,
        method: best.method.to_string(),
        max_loss: settings.max_loss,
        holdout,
        judged_files: test.is_some().then_some(judged),
        test,
    };
    folder::write(&settings.out, &int8, &report)?;
    Ok(report)
}

/// Quantises the model with each calibration method and runs the files on the held-out faces.
fn candidates(
    runtime: &Runtime,
    float: &FloatModel,
    parts: &Parts,
) -> Result<Vec<Candidate>, QuantizeError> {
    let calibration = Calibration::measure(runtime, float, &parts.calibration)?;
    let candidate = |method| {
        let ranges = calibration.ranges(method);
        let bytes = float.quantized(&ranges, &BTreeMap::new())?;
        let outcomes = predict(runtime, &bytes, &parts.held_out)?;
        let report = test_evaluation::report_where(&outcomes, |_| true);
        Ok(Candidate {
            method,
            ranges,
            bytes,
            outcomes,
            log_loss: report.log_loss.unwrap_or(f64::NAN),
        })
    };
    Method::ALL.into_iter().map(candidate).collect()
}

/// Returns a file's predictions for faces.
fn predict(
    runtime: &Runtime,
    bytes: &[u8],
    faces: &[Labelled],
) -> Result<Vec<Outcome>, QuantizeError> {
    let mut model = Model::open(runtime, bytes)?;
    let predictions = test_evaluation::predict(&mut model, faces, Tta::None)?;
    Ok(predictions.outcomes)
}

fn check_loss(holdout: &Paired, best: &Candidate, max_loss: f64) -> Result<(), QuantizeError> {
    let loss = holdout.loss();
    // NaN is not below the maximum.
    if loss <= max_loss {
        return Ok(());
    }
    Err(QuantizeError::Loss {
        loss,
        max_loss,
        method: best.method.to_string(),
        faces: holdout.faces,
        labels_changed: holdout.labels_changed,
    })
}

fn method_report(candidate: &Candidate) -> MethodReport {
    MethodReport {
        method: candidate.method.to_string(),
        log_loss: candidate.log_loss,
    }
}

/// Returns the entries that replace or extend the metadata of the float file.
fn metadata(
    origin: &Origin,
    best: &Candidate,
    calibration_faces: usize,
    test: Option<&QuantizedTest>,
    created: &str,
) -> BTreeMap<&'static str, String> {
    let accuracy = test.map(|test| accuracies(&test.report));
    let quantization = serde_json::json!({
        "method": best.method.to_string(),
        "calibration_faces": calibration_faces,
    });
    BTreeMap::from([
        ("mien.weights", "int8".to_owned()),
        (QUANTIZED_FROM, origin.sha256.clone()),
        ("mien.quantization", quantization.to_string()),
        (
            "mien.accuracy",
            serde_json::json!(accuracy.unwrap_or_default()).to_string(),
        ),
        ("mien.created", created.to_owned()),
    ])
}
