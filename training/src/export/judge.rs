//! The finished file against the test faces, by ONNX Runtime.

use mien_faces::{
    dataset::{self, Duplicates, Sample, Usage},
    expression::Expression,
    image::Face,
    report::{Outcome, Report, Tally},
    temperature,
};

use super::ExportError;
use crate::{arch::catalog, data::FaceSet, onnx::session::Model, report::Calibration, tta::Tta};

/// Faces a run.
const BATCH: usize = 64;

/// A test face with what is known of it.
pub(super) struct Labelled {
    face: Face,
    truth: Expression,
    usage: Usage,
}

/// What the model says of the faces.
pub(super) struct Seen {
    /// One a face, in their order.
    pub(super) outcomes: Vec<Outcome>,
    /// The calibration of the plain faces' logits at temperature 1.
    pub(super) before: Calibration,
}

/// Decodes the test faces.
pub(super) fn load(samples: &[Sample]) -> Result<Vec<Labelled>, ExportError> {
    let load = |sample: &Sample| {
        let face = sample.load(catalog::INPUT_SIDE)?;
        Ok(Labelled { face, truth: sample.expression, usage: sample.usage })
    };
    samples.iter().map(load).collect()
}

/// Runs the faces, each as often as there are views, and averages the probabilities over the views.
pub(super) fn see(model: &mut Model, faces: &[Labelled], tta: Tta) -> Result<Seen, ExportError> {
    let views = tta.views();
    let (mut outcomes, mut before) = (Vec::with_capacity(faces.len()), Tally::default());
    for faces in faces.chunks(BATCH) {
        let mut sums = vec![[0.0f32; Expression::COUNT]; faces.len()];
        for (index, view) in views.iter().enumerate() {
            let shown: Vec<Face> = faces.iter().map(|f| view.apply(&f.face)).collect();
            let answers = model.run(&shown)?;
            let (probabilities, _) = answers.probabilities.as_chunks::<{ Expression::COUNT }>();
            for (sum, row) in sums.iter_mut().zip(probabilities) {
                sum.iter_mut().zip(row).for_each(|(sum, p)| *sum += p / views.len() as f32);
            }
            let (logits, _) = answers.logits.as_chunks::<{ Expression::COUNT }>();
            // The first view is the plain face.
            for (face, logits) in faces.iter().zip(logits).filter(|_| index == 0) {
                before.add(&outcome(face, temperature::softmax(logits, 1.0)));
            }
        }
        outcomes.extend(faces.iter().zip(sums).map(|(face, sum)| outcome(face, sum)));
    }
    Ok(Seen { outcomes, before: Calibration::of(&before.report()) })
}

fn outcome(face: &Labelled, probabilities: [f32; Expression::COUNT]) -> Outcome {
    Outcome { truth: face.truth, usage: face.usage, probabilities }
}

/// The report on the faces that are kept, by their index.
pub(super) fn report_where(outcomes: &[Outcome], keep: impl Fn(usize) -> bool) -> Report {
    let mut tally = Tally::default();
    let kept = outcomes.iter().enumerate().filter(|(index, _)| keep(*index));
    kept.for_each(|(_, outcome)| tally.add(outcome));
    tally.report()
}

/// Copies within and across train and test.
pub(super) fn duplicates(train: &FaceSet, test: &[Labelled]) -> Duplicates {
    dataset::duplicates(
        train.faces.iter().zip(train.labels.iter().copied()),
        test.iter().map(|labelled| (&labelled.face, labelled.truth)),
    )
}
