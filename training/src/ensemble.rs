//! Ensembles: averages of exported models, chosen by held-out log-loss, for `mien-train ensemble`.
//!
//! ```text
//! candidates (model files) -> holdout (faces that none of them was trained on) -> predictions by ONNX Runtime
//!   -> selection, weights -> predictions for the test faces, once -> mien.toml, report.json, README.md
//! ```

use std::{path::PathBuf, time::SystemTime};

use mien_faces::{
    dataset::{Dataset, Duplicates, Split},
    expression::Expression,
    report::{Outcome, Report},
};

use crate::{
    arch::catalog,
    data::FaceSet,
    export::{
        ExportError,
        test_evaluation::{self, Labelled},
    },
    onnx::session::{Model, Runtime},
    report::{
        DuplicateReport,
        ensemble::{CandidateReport, EnsembleReport, EnsembleTest, MemberReport},
    },
    tta::Tta,
};

mod candidate;
mod error;
mod folder;
mod holdout;
mod model_version;
pub mod selection;
pub mod weights;

pub use candidate::Candidate;
pub use error::EnsembleError;
pub use folder::finished;
pub use model_version::ModelVersion;
use selection::{Limits, Selection};

/// Default of the minimum number of faces that all candidates held out.
pub const DEFAULT_MIN_FACES: usize = 500;

/// Inputs of an ensemble.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data set of the candidates.
    pub data: PathBuf,
    /// The folder that contains the models.
    pub models: PathBuf,
    /// Exported models that may become members.
    pub candidates: Vec<ModelVersion>,
    /// Limits of the selection.
    pub limits: Limits,
    /// Minimum number of faces that all candidates held out.
    pub min_faces: usize,
    /// The version folder to write.
    pub out: PathBuf,
}

/// Chooses members and weights by the held-out faces, evaluates the choice on the test faces, and writes the version folder.
///
/// # Errors
/// Returns an error if candidates are missing, were not trained on the data set or share too few held-out faces, if
/// ONNX Runtime fails, or if the folder contains a model already.
pub fn build(settings: &Settings) -> Result<EnsembleReport, EnsembleError> {
    folder::check(&settings.out)?;
    let candidates = candidate::open(&settings.models, &settings.candidates)?;
    let dataset = Dataset::open(&settings.data)?;
    let data_sha256 = dataset.fingerprint(Split::Train)?;
    candidate::check_data(&candidates, &data_sha256)?;
    let train = FaceSet::load(&dataset, &settings.data, Split::Train, catalog::INPUT_SIDE)?;
    let held = holdout::common(&train, &candidates, settings.min_faces)?;
    let held = test_evaluation::labelled(held);

    let runtime = Runtime::load()?;
    let predictions = candidates
        .iter()
        .map(|candidate| predict(&runtime, candidate, &held));
    let predictions: Vec<Vec<Outcome>> = predictions.collect::<Result<_, _>>()?;
    let likelihoods: Vec<Vec<f64>> = predictions
        .iter()
        .map(|outcomes| likelihoods(outcomes))
        .collect();
    let selection = selection::select(&likelihoods, settings.limits);

    let test = test(&runtime, &dataset, &train, &candidates, &selection)?;
    let chosen: Vec<&[Outcome]> = selection
        .members
        .iter()
        .map(|&member| predictions[member].as_slice())
        .collect();
    let equal = vec![1.0 / chosen.len() as f64; chosen.len()];
    let report = EnsembleReport {
        created: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        data_sha256,
        members: members(&candidates, &selection),
        candidates: candidate_reports(&candidates, &predictions, &selection),
        holdout: report(&average(&chosen, &selection.weights)),
        equal_weights: report(&average(&chosen, &equal)),
        test,
    };
    folder::write(&settings.out, &report)?;
    Ok(report)
}

/// Returns a candidate's predictions for faces.
fn predict(
    runtime: &Runtime,
    candidate: &Candidate,
    faces: &[Labelled],
) -> Result<Vec<Outcome>, EnsembleError> {
    let failed = |reason: ExportError| EnsembleError::Run {
        model: candidate.version.clone(),
        reason: Box::new(reason),
    };
    let bytes = candidate.read()?;
    let mut model = Model::open(runtime, &bytes).map_err(|e| failed(e.into()))?;
    Ok(test_evaluation::predict(&mut model, faces, Tta::None)
        .map_err(failed)?
        .outcomes)
}

/// Returns the probability of each face's label.
fn likelihoods(outcomes: &[Outcome]) -> Vec<f64> {
    outcomes
        .iter()
        .map(|outcome| f64::from(outcome.of(outcome.truth)))
        .collect()
}

/// Returns the weighted mean of the members' probabilities. `members` holds their outcomes for the same faces.
fn average(members: &[&[Outcome]], weights: &[f64]) -> Vec<Outcome> {
    let faces = members.first().map_or(0, |outcomes| outcomes.len());
    let face = |index: usize| {
        let mut mean = [0.0; Expression::COUNT];
        for (outcomes, weight) in members.iter().zip(weights) {
            let probabilities = outcomes[index].probabilities.iter();
            mean.iter_mut()
                .zip(probabilities)
                .for_each(|(mean, &p)| *mean += weight * f64::from(p));
        }
        Outcome {
            probabilities: mean.map(|p| p as f32),
            ..members[0][index]
        }
    };
    (0..faces).map(face).collect()
}

fn report(outcomes: &[Outcome]) -> Report {
    test_evaluation::report_where(outcomes, |_| true)
}

/// Evaluates the chosen ensemble on the test faces; `None` if the data set has none.
fn test(
    runtime: &Runtime,
    dataset: &Dataset,
    train: &FaceSet,
    candidates: &[Candidate],
    selection: &Selection,
) -> Result<Option<EnsembleTest>, EnsembleError> {
    let samples = dataset.samples(Split::Test);
    if samples.is_empty() {
        return Ok(None);
    }
    let faces = test_evaluation::load(samples).map_err(Box::new)?;
    let predictions = selection
        .members
        .iter()
        .map(|&m| predict(runtime, &candidates[m], &faces));
    let predictions: Vec<Vec<Outcome>> = predictions.collect::<Result<_, _>>()?;
    let predictions: Vec<&[Outcome]> = predictions.iter().map(Vec::as_slice).collect();
    let outcomes = average(&predictions, &selection.weights);
    let Duplicates {
        counts,
        test_in_train,
        ..
    } = test_evaluation::duplicates(train, &faces);
    let without = test_evaluation::report_where(&outcomes, |index| !test_in_train[index]);
    let duplicates = DuplicateReport { counts, without };
    Ok(Some(EnsembleTest {
        report: report(&outcomes),
        duplicates,
    }))
}

fn members(candidates: &[Candidate], selection: &Selection) -> Vec<MemberReport> {
    let member = |(&member, &weight): (&usize, &f64)| MemberReport {
        model: candidates[member].version.to_string(),
        sha256: candidates[member].origin.sha256.clone(),
        weight,
    };
    selection
        .members
        .iter()
        .zip(&selection.weights)
        .map(member)
        .collect()
}

fn candidate_reports(
    candidates: &[Candidate],
    predictions: &[Vec<Outcome>],
    selection: &Selection,
) -> Vec<CandidateReport> {
    let of = |(index, (candidate, outcomes)): (usize, (&Candidate, &Vec<Outcome>))| {
        let Report {
            score, log_loss, ..
        } = report(outcomes);
        CandidateReport {
            model: candidate.version.to_string(),
            sha256: candidate.origin.sha256.clone(),
            score,
            log_loss,
            selected: selection.members.contains(&index),
        }
    };
    candidates
        .iter()
        .zip(predictions)
        .enumerate()
        .map(of)
        .collect()
}
