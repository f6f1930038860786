//! One run: samples -> faces -> the model's batcher -> report.

use std::{sync::Arc, time::Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use mien_faces::{
    dataset::{DatasetError, Sample},
    image::Face,
    report::{Outcome, Report, Tally},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::classes::{Classes, NotEmotions};
use crate::{
    batching::{BatchError, BatchOptions, Batcher},
    inference::Probabilities,
    models::registry::LiveModel,
};

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

/// Sends the samples through the model's batcher, a few batches at a time, and scores the answers.
/// A full queue is waited for. `on_done` hears how many more images are through. Dropping the future
/// ends the run and takes its images out of the queue.
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
    let (chunk, in_flight) = share(model.batcher.options());
    let (mut tally, mut unreadable) = (Tally::default(), Unreadable::default());

    let chunks: Vec<Arc<[Sample]>> = samples.chunks(chunk).map(Arc::from).collect();
    let mut answers = stream::iter(chunks)
        .map(|samples| answer(&model.batcher, model.signature.side, samples))
        .buffered(in_flight);
    while let Some(answers) = answers.try_next().await? {
        on_done(answers.len());
        for (sample, answer) in answers {
            match answer {
                Ok(probabilities) => tally.add(&Outcome {
                    truth: sample.emotion,
                    usage: sample.usage,
                    probabilities: classes.arrange(&probabilities),
                }),
                Err(error) => unreadable.add(&sample, &error),
            }
        }
    }

    let report = tally.report();
    if let (0, Some(first)) = (report.score.total, unreadable.images.first()) {
        let UnreadableImage { name, detail } = first.clone();
        return Err(RunError::NothingReadable { count: unreadable.count, name, detail });
    }
    let seconds = started.elapsed().as_secs_f64();
    let images_per_second = samples.len() as f64 / seconds;
    Ok(Evaluation { report, unreadable, seconds, images_per_second })
}

/// The answer to a sample, or why there is no face to classify.
type Answered = (Sample, Result<Probabilities, DatasetError>);

/// Reads a chunk of samples on a blocking thread and has the model classify what could be read.
async fn answer(
    batcher: &Batcher,
    side: usize,
    samples: Arc<[Sample]>,
) -> Result<Vec<Answered>, RunError> {
    let to_read = Arc::clone(&samples);
    let read = move || to_read.iter().map(|sample| sample.load(side)).collect::<Vec<_>>();
    let faces = tokio::task::spawn_blocking(read).await.map_err(|_| RunError::Crashed)?;

    let readable: Vec<Face> = faces.iter().filter_map(|face| face.as_ref().ok().cloned()).collect();
    let mut answers = classify(batcher, readable).await?.into_iter();
    let mut answered = Vec::with_capacity(samples.len());
    for (sample, face) in samples.iter().zip(faces) {
        let answer = face.map(|_| answers.next().expect("the batcher answers each face"));
        answered.push((sample.clone(), answer));
    }
    Ok(answered)
}

/// Waits out a full queue: an evaluation has time, and traffic comes first.
async fn classify(batcher: &Batcher, faces: Vec<Face>) -> Result<Vec<Probabilities>, BatchError> {
    if faces.is_empty() {
        return Ok(Vec::new());
    }
    loop {
        match batcher.classify(faces.clone(), None).await {
            Err(BatchError::Overloaded { retry_after }) => tokio::time::sleep(retry_after).await,
            answer => return answer,
        }
    }
}

/// How many images of a run go together, and how many such chunks are on their way at once: enough that
/// no worker waits, and a quarter of the queue at most (one image where the queue is tiny).
fn share(options: BatchOptions) -> (usize, usize) {
    let room = (options.queue_images / 4).max(1);
    let chunk = options.max_batch.clamp(1, room);
    let in_flight = (options.instances + 1).min(room / chunk).max(1);
    (chunk, in_flight)
}

impl Unreadable {
    fn add(&mut self, sample: &Sample, error: &DatasetError) {
        self.count += 1;
        if self.images.len() < NAMED {
            let image = UnreadableImage { name: sample.name.clone(), detail: error.cause() };
            self.images.push(image);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Mutex, mpsc},
        time::Duration,
    };

    use proptest::prelude::*;

    use super::*;
    use crate::{
        inference::{Classifier, InferenceError, Labels},
        metrics::Metrics,
    };

    /// Answers one batch for each token.
    struct Gated(mpsc::Receiver<()>);

    impl Classifier for Gated {
        fn classify(&mut self, faces: &[Face]) -> Result<Vec<Probabilities>, InferenceError> {
            self.0.recv().map_err(|error| InferenceError::Run(error.to_string()))?;
            faces.iter().map(|_| Probabilities::new(&[0.25, 0.75])).collect()
        }
    }

    #[tokio::test]
    async fn a_full_queue_is_waited_for() {
        let (tokens, gate) = mpsc::channel();
        let gate = Mutex::new(Some(Gated(gate)));
        let factory = move || -> Result<Box<dyn Classifier>, InferenceError> {
            Ok(Box::new(gate.lock().unwrap().take().unwrap()))
        };
        let metrics = Metrics::new();
        let labels = Labels::new(vec!["a".to_owned(), "b".to_owned()]).unwrap();
        let (queue_images, max_batch, instances, max_delay) = (2, 2, 1, Duration::ZERO);
        let options = BatchOptions { queue_images, max_batch, max_delay, instances };
        let series = metrics.model("gated", &labels);
        let batcher = Batcher::start("gated", &(Arc::new(factory) as _), options, series).unwrap();
        let shows = async |line: &str| {
            while !String::from_utf8(metrics.render().unwrap()).unwrap().contains(line) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };

        // One image in the worker's hands, two in the queue: no room for the evaluation's.
        let face = || Face::new(1, vec![0]).unwrap();
        let traffic = |images: usize| {
            let (batcher, faces) = (batcher.clone(), vec![face(); images]);
            tokio::spawn(async move { batcher.classify(faces, None).await })
        };
        let first = traffic(1);
        shows("mien_queue_wait_seconds_count{model=\"gated\"} 1").await;
        let second = traffic(2);
        shows("mien_queue_images{model=\"gated\"} 2").await;
        let evaluation = tokio::spawn({
            let batcher = batcher.clone();
            async move { classify(&batcher, vec![face()]).await }
        });
        shows("mien_images_total{model=\"gated\",outcome=\"rejected\"} 1").await;
        (0..3).for_each(|_| tokens.send(()).unwrap());
        assert_eq!(evaluation.await.unwrap().unwrap().len(), 1);
        assert_eq!(first.await.unwrap().unwrap().len() + second.await.unwrap().unwrap().len(), 3);
    }

    proptest! {
        #[test]
        fn a_run_leaves_room_in_the_queue(
            queue_images in 0_usize..5000,
            max_batch in 0_usize..300,
            instances in 0_usize..20,
        ) {
            let options = BatchOptions { queue_images, max_batch, instances, max_delay: Duration::ZERO };
            let (chunk, in_flight) = share(options);
            prop_assert!(chunk >= 1 && in_flight >= 1);
            prop_assert!(chunk * in_flight <= (queue_images / 4).max(1));
            prop_assert!(chunk <= max_batch.max(1) && in_flight <= instances + 1);
        }
    }
}
