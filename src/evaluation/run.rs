//! One run: samples -> faces -> the model's batcher -> report.

use std::{pin::pin, time::Instant};

use futures_util::TryStreamExt;
use mien_faces::{
    dataset::Sample,
    report::{Outcome, Report, Tally},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    classes::{Classes, NotEmotions},
    pipeline::{self, Answered},
};
use crate::{batching::BatchError, models::registry::LiveModel};

/// How many unreadable images are named; the others are counted.
const NAMED: usize = 20;

/// What a run found out.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = EvaluationReport)]
pub struct Evaluation {
    /// The scores, over the images that could be read.
    #[serde(flatten)]
    pub report: Report,
    /// The images that could not.
    pub unreadable: Unreadable,
    /// How long the run took.
    pub seconds: f64,
    /// Images through reading, decoding and the model, beside whatever else the server did.
    pub images_per_second: f64,
}

/// Images of the data set that could not be read; they are in no score.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Unreadable {
    /// How many.
    pub count: usize,
    /// The first of them.
    pub images: Vec<UnreadableImage>,
}

/// An image that could not be read.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnreadableImage {
    /// Its name within the data set.
    pub name: String,
    /// What is wrong with it.
    pub detail: String,
}

/// Why a run ended without a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The model has other labels.
    #[error(transparent)]
    Labels(#[from] NotEmotions),
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
    /// A bug: something panicked.
    #[error("the evaluation crashed; see the server's log")]
    Crashed,
}

/// Sends the samples through the model's batcher, a batch for each of its workers at a time, and scores
/// the answers; the next chunks are read meanwhile. A full queue is waited for. `on_done` hears how many
/// more images are through. Dropping the future ends the run and takes its images out of the queue.
///
/// # Errors
/// When the model cannot be evaluated or fails, or no image can be read.
pub async fn run(
    model: &LiveModel,
    samples: Vec<Sample>,
    on_done: impl Fn(usize),
) -> Result<Evaluation, RunError> {
    let classes = Classes::of(&model.manifest.labels)?;
    let started = Instant::now();
    let (mut tally, mut unreadable) = (Tally::default(), Unreadable::default());

    let mut chunks = pin!(pipeline::answers(&model.batcher, model.signature.side, &samples));
    while let Some(Answered { samples, answers, failures }) = chunks.try_next().await? {
        on_done(samples.len() + failures.len());
        for (sample, answer) in samples.iter().zip(&answers) {
            let probabilities = classes.arrange(&answer.probabilities);
            tally.add(&Outcome { truth: sample.emotion, usage: sample.usage, probabilities });
        }
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
    Ok(Evaluation { report, unreadable, seconds, images_per_second })
}

impl Unreadable {
    /// Once all are there: counts them and keeps the first by name.
    fn settle(&mut self) {
        self.count = self.images.len();
        self.images.sort_by(|a, b| a.name.cmp(&b.name));
        self.images.truncate(NAMED);
    }
}
