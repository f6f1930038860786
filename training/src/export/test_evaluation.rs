//! The finished file against the test faces, by ONNX Runtime.

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

/// Faces a run.
const BATCH: usize = 64;

/// A test face with what is known of it.
pub(crate) struct Labelled {
    face: Face,
    truth: Expression,
    usage: Usage,
}

/// What the model says of the faces.
pub(crate) struct Seen {
    /// One a face, in their order.
    pub(crate) outcomes: Vec<Outcome>,
    /// The calibration of the plain faces' logits at temperature 1.
    before: Calibration,
}

/// What the test faces say of a file that averages `views`; `None` if there are no test faces. `train` are all faces of
/// the training split, where they are at hand.
pub(super) fn judge(
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
    let seen = see(model, &faces, Tta::None)?;
    let duplicates = train.map(|train| {
        let found = duplicates(train, &faces);
        let without = report_where(&seen.outcomes, |i| !found.test_in_train[i]);
        DuplicateReport {
            counts: found.counts,
            without,
        }
    });
    let kind = trained.recipe.tta;
    let tta = match kind {
        Tta::None => None,
        // The file's own figures.
        Tta::Flip if views == Views::Flip => None,
        Tta::Flip | Tta::FlipShift => {
            let seen = see(model, &faces, kind)?;
            let report = report_where(&seen.outcomes, |_| true);
            Some(TtaReport {
                kind,
                views: kind.views().len(),
                report,
            })
        }
    };
    let report = report_where(&seen.outcomes, |_| true);
    // The logits of a file with several views are already averaged at its temperature.
    let before = (views == Views::Single).then_some(seen.before);
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

/// Runs the faces, each as often as there are views, and averages the probabilities over the views.
pub(crate) fn see(model: &mut Model, faces: &[Labelled], tta: Tta) -> Result<Seen, ExportError> {
    let views = tta.views();
    let (mut outcomes, mut before) = (Vec::with_capacity(faces.len()), Tally::default());
    for faces in faces.chunks(BATCH) {
        let mut sums = vec![[0.0f32; Expression::COUNT]; faces.len()];
        for (index, view) in views.iter().enumerate() {
            let shown: Vec<Face> = faces.iter().map(|f| view.apply(&f.face)).collect();
            let answers = model.run(&shown)?;
            let (probabilities, _) = answers.probabilities.as_chunks::<{ Expression::COUNT }>();
            for (sum, row) in sums.iter_mut().zip(probabilities) {
                sum.iter_mut()
                    .zip(row)
                    .for_each(|(sum, p)| *sum += p / views.len() as f32);
            }
            let (logits, _) = answers.logits.as_chunks::<{ Expression::COUNT }>();
            // The first view is the plain face.
            for (face, logits) in faces.iter().zip(logits).filter(|_| index == 0) {
                before.add(&outcome(face, temperature::softmax(logits, 1.0)));
            }
        }
        outcomes.extend(faces.iter().zip(sums).map(|(face, sum)| outcome(face, sum)));
    }
    Ok(Seen {
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

/// The report on the faces that are kept, by their index.
pub(crate) fn report_where(outcomes: &[Outcome], keep: impl Fn(usize) -> bool) -> Report {
    let mut tally = Tally::default();
    let kept = outcomes
        .iter()
        .enumerate()
        .filter(|(index, _)| keep(*index));
    kept.for_each(|(_, outcome)| tally.add(outcome));
    tally.report()
}

/// Copies within and across train and test.
pub(crate) fn duplicates(train: &FaceSet, test: &[Labelled]) -> Duplicates {
    dataset::duplicates(
        train.faces.iter().zip(train.labels.iter().copied()),
        test.iter().map(|labelled| (&labelled.face, labelled.truth)),
    )
}
