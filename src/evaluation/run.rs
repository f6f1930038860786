//! One evaluation: samples -> faces -> the model's batcher -> report.

use std::{pin::pin, time::Instant};

use futures_util::TryStreamExt;
use mien_faces::{
    dataset::Sample,
    expression::Expression,
    report::{Mistake, Prediction, Report, Tally, WithoutDuplicates, mistakes},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    error::RunError,
    label_map::LabelMap,
    pipeline::{self, Classified},
};
use crate::models::registry::LiveModel;

/// Maximum number of unreadable images that a report names.
const MAX_REPORTED: usize = 20;

/// The report of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = EvaluationReport)]
pub struct Evaluation {
    /// Scores over the readable images.
    #[serde(flatten)]
    pub report: Report,
    /// The most confident mistakes in descending order of confidence, at most 24.
    #[serde(default)]
    pub mistakes: Vec<Mistake>,
    /// The score without test images that are also in train, which a model may have memorised. Absent for evaluations on
    /// train, and if the data set has no train split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_duplicates: Option<WithoutDuplicates>,
    /// The unreadable images.
    pub unreadable: Unreadable,
    /// Duration in seconds.
    pub seconds: f64,
    /// Throughput of reading, decoding and inference together, under the load of the server at that time.
    pub images_per_second: f64,
}

/// Images of the data set that cannot be read. They are not scored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unreadable {
    /// Number of unreadable images.
    pub count: usize,
    /// The first of them by name, at most 20.
    pub images: Vec<UnreadableImage>,
}

/// An unreadable image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnreadableImage {
    /// Name within the data set.
    pub name: String,
    /// Why it cannot be read.
    pub detail: String,
}

/// A report and the predictions that it is computed from.
#[derive(Debug, Clone)]
pub struct EvaluationResult {
    /// The report.
    pub evaluation: Evaluation,
    /// Prediction for each readable image, in the order of the data set.
    pub predictions: Vec<Prediction>,
}

/// A number of processed images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgressUpdate {
    /// Number of images, including unreadable ones.
    pub images: usize,
    /// Number of readable images.
    pub judged: usize,
    /// Number of correct predictions.
    pub correct: usize,
}

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
        answers,
        failures,
    }) = chunks.try_next().await?
    {
        let mut correct = 0;
        for (sample, answer) in samples.iter().zip(&answers) {
            let prediction = prediction(sample, label_map.reorder(&answer.probabilities));
            let outcome = prediction.outcome();
            correct += usize::from(outcome.prediction() == outcome.truth);
            tally.add(&outcome);
            placed.push((sample.position(), prediction));
        }
        on_done(ProgressUpdate {
            images: samples.len() + failures.len(),
            judged: samples.len(),
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

impl Unreadable {
    /// Counts the images and keeps the first ones by name.
    fn finalize(&mut self) {
        self.count = self.images.len();
        self.images.sort_by(|a, b| a.name.cmp(&b.name));
        self.images.truncate(MAX_REPORTED);
    }
}
