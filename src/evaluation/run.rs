//! One run: samples -> faces -> the model's batcher -> report.

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
    label_map::{LabelMap, LabelMismatch},
    pipeline::{self, Answered},
};
use crate::{batching::BatchError, models::registry::LiveModel};

/// How many unreadable images are named; the others are counted.
const NAMED: usize = 20;

/// What a run found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = EvaluationReport)]
pub struct Evaluation {
    /// The scores, over the images that could be read.
    #[serde(flatten)]
    pub report: Report,
    /// The most confident mistakes, the surest first, 24 at most.
    #[serde(default)]
    pub mistakes: Vec<Mistake>,
    /// The score without the test images that lie in train too, which a model may know by heart. Absent where the images
    /// are those of train, or the data set has no train.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_duplicates: Option<WithoutDuplicates>,
    /// The images that could not.
    pub unreadable: Unreadable,
    /// How long the run took.
    pub seconds: f64,
    /// Images through reading, decoding and the model, beside whatever else the server did.
    pub images_per_second: f64,
}

/// Images of the data set that could not be read; they are in no score.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unreadable {
    /// How many.
    pub count: usize,
    /// The first of them.
    pub images: Vec<UnreadableImage>,
}

/// An image that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnreadableImage {
    /// Its name within the data set.
    pub name: String,
    /// What is wrong with it.
    pub detail: String,
}

/// A report and what it is made of.
#[derive(Debug, Clone)]
pub struct EvaluationResult {
    /// The report.
    pub evaluation: Evaluation,
    /// What the model made of each image that could be read, in the order of the data set.
    pub predictions: Vec<Prediction>,
}

/// Images that are through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgressUpdate {
    /// How many, those that could not be read included.
    pub images: usize,
    /// Those that could be read.
    pub judged: usize,
    /// Those whose prediction is right.
    pub correct: usize,
}

/// Why a run ended without a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The model has other labels.
    #[error(transparent)]
    Labels(#[from] LabelMismatch),
    /// The model failed, or was taken out of service.
    #[error(transparent)]
    Model(#[from] BatchError),
    /// Not one image could be read.
    #[error("none of the {count} images could be read; {name}: {detail}")]
    NothingReadable {
        /// How many there are.
        count: usize,
        /// The first.
        name: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The state could not be written.
    #[error("the evaluation could not be kept; see the server's log")]
    NotKept,
    /// A bug: something panicked.
    #[error("the evaluation crashed; see the server's log")]
    Crashed,
}

/// Sends the samples through the model's batcher, a batch for each of its workers at a time, and scores
/// the answers; the next chunks are read meanwhile. A full queue is waited for. `on_done` hears of each chunk that is
/// through. Dropping the future ends the run and takes its images out of the queue.
///
/// # Errors
/// When the model cannot be evaluated or fails, or no image can be read.
pub async fn run(
    model: &LiveModel,
    samples: &[Sample],
    on_done: impl Fn(ProgressUpdate),
) -> Result<EvaluationResult, RunError> {
    let classes = LabelMap::of(&model.manifest.labels)?;
    let started = Instant::now();
    let (mut tally, mut unreadable) = (Tally::default(), Unreadable::default());
    // Each with its place in the data set, for chunks come as they are done.
    let mut placed: Vec<(usize, Prediction)> = Vec::with_capacity(samples.len());

    let mut chunks = pin!(pipeline::answers(&model.batcher, model.signature.side, samples));
    while let Some(Answered { samples, answers, failures }) = chunks.try_next().await? {
        let mut correct = 0;
        for (sample, answer) in samples.iter().zip(&answers) {
            let prediction = prediction(sample, classes.arrange(&answer.probabilities));
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
    unreadable.settle();

    let report = tally.report();
    if let (0, Some(first)) = (report.score.total, unreadable.images.first()) {
        let UnreadableImage { name, detail } = first.clone();
        return Err(RunError::NothingReadable { count: unreadable.count, name, detail });
    }
    let seconds = started.elapsed().as_secs_f64();
    let images_per_second = samples.len() as f64 / seconds;
    placed.sort_unstable_by_key(|(position, _)| *position);
    let predictions: Vec<_> = placed.into_iter().map(|(_, prediction)| prediction).collect();
    let (mistakes, without_duplicates) = (mistakes(&predictions), None);
    let evaluation =
        Evaluation { report, mistakes, without_duplicates, unreadable, seconds, images_per_second };
    Ok(EvaluationResult { evaluation, predictions })
}

fn prediction(sample: &Sample, probabilities: [f32; Expression::COUNT]) -> Prediction {
    let Sample { name, expression, usage, .. } = sample;
    Prediction {
        image: sample.id(),
        name: name.clone(),
        usage: *usage,
        truth: *expression,
        probabilities,
    }
}

impl Unreadable {
    /// Once all are there: counts them and keeps the first by name.
    fn settle(&mut self) {
        self.count = self.images.len();
        self.images.sort_by(|a, b| a.name.cmp(&b.name));
        self.images.truncate(NAMED);
    }
}
