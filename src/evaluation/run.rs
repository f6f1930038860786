//! One evaluation: samples -> faces -> the model's batcher -> report.

use std::{pin::pin, time::Instant};

use futures_util::TryStreamExt;
use mien_faces::{
    dataset::Sample,
    expression::Expression,
    report::{Prediction, Tally, mistakes},
};

use super::{
    error::RunError,
    label_map::LabelMap,
    pipeline::{self, Classified},
    result::{Evaluation, EvaluationResult, ProgressUpdate, Unreadable, UnreadableImage},
};
use crate::models::registry::LiveModel;

/// Classifies the samples through the model's batcher, one batch per worker at a time, and scores the predictions. The next
/// chunks are read meanwhile. While the queue is full, the evaluation waits. `on_done` is called for each processed chunk.
/// Dropping the future cancels the evaluation and its queued images.
///
/// # Errors
/// Returns an error if the model cannot be evaluated or fails, or if all images are unreadable.
pub async fn run(
    model: &LiveModel,
    samples: &[Sample],
    on_done: impl Fn(ProgressUpdate),
) -> Result<EvaluationResult, RunError> {
    let label_map = LabelMap::new(&model.manifest.labels)?;
    let started = Instant::now();
    let (mut tally, mut unreadable) = (Tally::default(), Unreadable::default());
    // Chunks complete in any order, so each prediction has its position in the data set.
    let mut placed: Vec<(usize, Prediction)> = Vec::with_capacity(samples.len());

    let mut chunks = pin!(pipeline::classify(
        &model.batcher,
        model.signature.side,
        samples
    ));
    while let Some(Classified {
        samples,
        predictions,
        failures,
    }) = chunks.try_next().await?
    {
        let mut correct = 0;
        for (sample, output) in samples.iter().zip(&predictions) {
            let prediction = prediction(sample, label_map.reorder(&output.probabilities));
            let outcome = prediction.outcome();
            correct += usize::from(outcome.prediction() == outcome.truth);
            tally.add(&outcome);
            placed.push((sample.position(), prediction));
        }
        on_done(ProgressUpdate {
            images: samples.len() + failures.len(),
            classified: samples.len(),
            correct,
        });
        unreadable.images.extend(failures);
    }
    unreadable.finalize();

    let report = tally.report();
    if let (0, Some(first)) = (report.score.total, unreadable.images.first()) {
        let UnreadableImage { name, detail } = first.clone();
        return Err(RunError::NothingReadable {
            count: unreadable.count,
            name,
            detail,
        });
    }
    let seconds = started.elapsed().as_secs_f64();
    let images_per_second = samples.len() as f64 / seconds;
    placed.sort_unstable_by_key(|(position, _)| *position);
    let predictions: Vec<_> = placed
        .into_iter()
        .map(|(_, prediction)| prediction)
        .collect();
    let (mistakes, without_duplicates) = (mistakes(&predictions), None);
    let evaluation = Evaluation {
        report,
        mistakes,
        without_duplicates,
        unreadable,
        seconds,
        images_per_second,
    };
    Ok(EvaluationResult {
        evaluation,
        predictions,
    })
}

fn prediction(sample: &Sample, probabilities: [f32; Expression::COUNT]) -> Prediction {
    let Sample {
        name,
        expression,
        usage,
        ..
    } = sample;
    Prediction {
        image: sample.id(),
        name: name.clone(),
        usage: *usage,
        truth: *expression,
        probabilities,
    }
}
