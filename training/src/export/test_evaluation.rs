//! Evaluates the finished model file on the test faces with ONNX Runtime.

use mien_faces::{
    dataset::{self, Duplicates, Sample, Usage},
    expression::Expression,
    image::Face,
    report::{Outcome, Report, Tally},
    temperature,
};

use super::{ExportError, Trained};
use crate::{
    arch::catalog,
    data::FaceSet,
    onnx::{session::Model, views::Views},
    report::{Calibration, DuplicateReport, Test, TtaReport},
    tta::Tta,
};

/// Faces per inference call.
const BATCH: usize = 64;

/// A face with its label and its part of the data set.
pub(crate) struct Labelled {
    face: Face,
    truth: Expression,
    usage: Usage,
}

/// Predictions for a set of faces.
pub(crate) struct Predictions {
    /// One outcome per face, in the order of the faces.
    pub(crate) outcomes: Vec<Outcome>,
    /// Calibration of the first view's logits at temperature 1.
    before: Calibration,
}

/// Evaluates a file that averages `views` on the test faces. Returns `None` if there are no test faces. `train` are all faces
/// of the training split, if they are known.
pub(super) fn evaluate(
    trained: &Trained,
    model: &mut Model,
    train: Option<&FaceSet>,
    samples: &[Sample],
    views: Views,
) -> Result<Option<Test>, ExportError> {
    if samples.is_empty() {
        return Ok(None);
    }
    let faces = load(samples)?;
    let predictions = predict(model, &faces, Tta::None)?;
    let duplicates = train.map(|train| {
        let found = duplicates(train, &faces);
        let without = report_where(&predictions.outcomes, |i| !found.test_in_train[i]);
        DuplicateReport {
            counts: found.counts,
            without,
        }
    });
    let kind = trained.recipe.tta;
    let tta = match kind {
        Tta::None => None,
        // The file itself averages these views.
        Tta::Flip if views == Views::Flip => None,
        Tta::Flip | Tta::FlipShift => {
            let averaged = predict(model, &faces, kind)?;
            let report = report_where(&averaged.outcomes, |_| true);
            Some(TtaReport {
                kind,
                views: kind.views().len(),
                report,
            })
        }
    };
    let report = report_where(&predictions.outcomes, |_| true);
    // The logits of a file with several views are already averaged at its temperature.
    let before = (views == Views::Single).then_some(predictions.before);
    Ok(Some(Test {
        report,
        before,
        duplicates,
        tta,
    }))
}

/// Decodes the test faces.
pub(crate) fn load(samples: &[Sample]) -> Result<Vec<Labelled>, ExportError> {
    let load = |sample: &Sample| {
        let face = sample.load(catalog::INPUT_SIDE)?;
        Ok(Labelled {
            face,
            truth: sample.expression,
            usage: sample.usage,
        })
    };
    samples.iter().map(load).collect()
}

/// Returns training faces with their labels.
pub(crate) fn labelled(set: FaceSet) -> Vec<Labelled> {
    let faces = set.faces.into_iter().zip(set.labels);
    faces
        .map(|(face, truth)| Labelled {
            face,
            truth,
            usage: Usage::Training,
        })
        .collect()
}

/// Returns predictions for faces. The probabilities are averaged over the views of `tta`.
pub(crate) fn predict(
    model: &mut Model,
    faces: &[Labelled],
    tta: Tta,
) -> Result<Predictions, ExportError> {
    let views = tta.views();
    let (mut outcomes, mut before) = (Vec::with_capacity(faces.len()), Tally::default());
    for faces in faces.chunks(BATCH) {
        let mut sums = vec![[0.0f32; Expression::COUNT]; faces.len()];
        for (index, view) in views.iter().enumerate() {
            let images: Vec<Face> = faces.iter().map(|f| view.apply(&f.face)).collect();
            let outputs = model.run(&images)?;
            let (probabilities, _) = outputs.probabilities.as_chunks::<{ Expression::COUNT }>();
            for (sum, row) in sums.iter_mut().zip(probabilities) {
                sum.iter_mut()
                    .zip(row)
                    .for_each(|(sum, p)| *sum += p / views.len() as f32);
            }
            let (logits, _) = outputs.logits.as_chunks::<{ Expression::COUNT }>();
            // The first view is the plain face.
            for (face, logits) in faces.iter().zip(logits).filter(|_| index == 0) {
                before.add(&outcome(face, temperature::softmax(logits, 1.0)));
            }
        }
        outcomes.extend(faces.iter().zip(sums).map(|(face, sum)| outcome(face, sum)));
    }
    Ok(Predictions {
        outcomes,
        before: Calibration::of(&before.report()),
    })
}

fn outcome(face: &Labelled, probabilities: [f32; Expression::COUNT]) -> Outcome {
    Outcome {
        truth: face.truth,
        usage: face.usage,
        probabilities,
    }
}

/// Returns the report on the faces whose index satisfies `keep`.
pub(crate) fn report_where(outcomes: &[Outcome], keep: impl Fn(usize) -> bool) -> Report {
    let mut tally = Tally::default();
    let kept = outcomes
        .iter()
        .enumerate()
        .filter(|(index, _)| keep(*index));
    kept.for_each(|(_, outcome)| tally.add(outcome));
    tally.report()
}

/// Finds duplicates within and across train and test.
pub(crate) fn duplicates(train: &FaceSet, test: &[Labelled]) -> Duplicates {
    dataset::duplicates(
        train.faces.iter().zip(train.labels.iter().copied()),
        test.iter().map(|labelled| (&labelled.face, labelled.truth)),
    )
}
