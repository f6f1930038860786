//! One evaluation: samples -> faces -> the model's batcher -> report.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use futures_util::TryStreamExt;
use mien_faces::{
    dataset::{Dataset, Sample},
    expression::Expression,
    grouping::{Grouping, built_in},
    image::FaceStatistics,
    report::{Prediction, Predictions, Tally, group_scores, mistakes},
};

use super::{
    error::RunError,
    label_map::LabelMap,
    pipeline::{self, Classified},
    result::{Evaluation, EvaluationResult, ProgressUpdate, Unreadable, UnreadableImage},
};
use crate::{
    drift::{Observation, Observations, Profile},
    models::registry::LiveModel,
};

/// Classifies samples of a data set through the model's batcher, one batch per worker at a time, and scores the predictions. The next
/// chunks are read meanwhile. While the queue is full, the evaluation waits. `on_done` is called for each processed chunk.
/// Dropping the future cancels the evaluation and its queued images.
///
/// # Errors
/// Returns an error if the model cannot be evaluated or fails, or if all images are unreadable.
pub async fn run(
    model: &LiveModel,
    dataset: &Dataset,
    samples: &[Sample],
    on_done: impl Fn(ProgressUpdate),
) -> Result<EvaluationResult, RunError> {
    let label_map = LabelMap::new(&model.manifest.labels)?;
    let started = Instant::now();
    let mut collected = Collected::default();
    let mut chunks = pin!(pipeline::classify(
        &model.batcher,
        model.signature.side,
        samples
    ));
    while let Some(chunk) = chunks.try_next().await? {
        on_done(collected.add(chunk, &label_map));
    }
    let profile = collected.observations.profile(model.manifest.labels.len());
    collected.finish(started.elapsed(), dataset, profile)
}

/// The results of the chunks that are processed.
#[derive(Default)]
struct Collected {
    tally: Tally,
    unreadable: Unreadable,
    observations: Observations,
    images: Vec<ClassifiedImage>,
}

/// An image with its prediction.
struct ClassifiedImage {
    /// Chunks complete in any order, so each image has its position in the data set.
    position: usize,
    prediction: Prediction,
    statistics: Option<FaceStatistics>,
}

impl Collected {
    /// Adds a chunk and returns the progress.
    fn add(&mut self, chunk: Classified, label_map: &LabelMap) -> ProgressUpdate {
        let Classified {
            samples,
            features,
            predictions,
            failures,
        } = chunk;
        let mut correct = 0;
        for ((sample, features), output) in samples.iter().zip(features).zip(&predictions) {
            self.observations.push(Observation::new(features, output));
            let prediction = prediction(sample, label_map.reorder(&output.probabilities));
            let outcome = prediction.outcome();
            correct += usize::from(outcome.is_correct());
            self.tally.add(&outcome);
            self.images.push(ClassifiedImage {
                position: sample.position(),
                prediction,
                statistics: features.statistics(),
            });
        }
        let update = ProgressUpdate {
            images: samples.len() + failures.len(),
            classified: samples.len(),
            correct,
        };
        self.unreadable.images.extend(failures);
        update
    }

    /// Returns the result of an evaluation that took this time.
    ///
    /// # Errors
    /// Returns an error if all images are unreadable.
    fn finish(
        mut self,
        took: Duration,
        dataset: &Dataset,
        profile: Option<Profile>,
    ) -> Result<EvaluationResult, RunError> {
        self.unreadable.finalize();
        let unreadable = self.unreadable;
        let report = self.tally.report();
        if let (0, Some(first)) = (report.score.total, unreadable.images.first()) {
            let UnreadableImage { name, detail } = first.clone();
            return Err(RunError::AllUnreadable {
                count: unreadable.count,
                name,
                detail,
            });
        }
        self.images.sort_unstable_by_key(|image| image.position);
        let groupings = groupings(dataset, &self.images);
        let predictions: Vec<_> = self
            .images
            .into_iter()
            .map(|image| image.prediction)
            .collect();
        let seconds = took.as_secs_f64();
        let evaluation = Evaluation {
            report,
            mistakes: mistakes(&predictions),
            without_duplicates: None,
            groups: group_scores(&groupings, &predictions),
            left_out: dataset.left_out().clone(),
            seconds,
            images_per_second: (predictions.len() + unreadable.count) as f64 / seconds,
            unreadable,
        };
        Ok(EvaluationResult {
            evaluation,
            predictions: Predictions {
                images: predictions,
                groupings,
            },
            profile,
        })
    }
}

/// Returns the groupings of `groups.csv`, then the built-in ones.
fn groupings(dataset: &Dataset, images: &[ClassifiedImage]) -> Vec<Grouping> {
    let names = images.iter().map(|image| image.prediction.name.as_str());
    let mut groupings = dataset.groupings(names);
    let statistics: Option<Vec<_>> = images.iter().map(|image| image.statistics).collect();
    groupings.extend(built_in(&statistics.unwrap_or_default()));
    groupings
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
