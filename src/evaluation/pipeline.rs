//! Samples -> faces -> answers: reading runs ahead of the model, and neither takes more than its share.

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use mien_faces::{dataset::Sample, image::Face};

use super::run::{RunError, UnreadableImage};
use crate::{
    batching::{BatchError, BatchOptions, Batcher, Call, Priority},
    inference::{Answer, Input},
};

/// The answers to the samples, chunk by chunk as they come.
pub(super) fn answers(
    batcher: &Batcher,
    side: usize,
    samples: &[Sample],
) -> impl Stream<Item = Result<Answered, RunError>> {
    let (chunk, in_flight) = share(batcher.options());
    let chunks: Vec<Vec<Sample>> = samples.chunks(chunk).map(<[Sample]>::to_vec).collect();
    stream::iter(chunks)
        .map(move |samples| read(samples, side))
        .buffered(in_flight + 1)
        .map_ok(|chunk| answer(batcher, chunk))
        .try_buffer_unordered(in_flight)
}

/// A chunk of the data set: the samples that could be read, each with its face, and those that could not.
struct Chunk {
    samples: Vec<Sample>,
    faces: Vec<Face>,
    failures: Vec<UnreadableImage>,
}

/// A chunk with an answer to each of the samples that could be read.
pub(super) struct Answered {
    pub(super) samples: Vec<Sample>,
    pub(super) answers: Vec<Answer>,
    pub(super) failures: Vec<UnreadableImage>,
}

/// Reads and decodes a chunk on a blocking thread.
async fn read(samples: Vec<Sample>, side: usize) -> Result<Chunk, RunError> {
    let read = move || {
        let mut chunk = Chunk { samples: Vec::new(), faces: Vec::new(), failures: Vec::new() };
        for sample in samples {
            match sample.load(side) {
                Ok(face) => {
                    chunk.samples.push(sample);
                    chunk.faces.push(face);
                }
                Err(error) => {
                    let (name, detail) = (sample.name, error.cause());
                    chunk.failures.push(UnreadableImage { name, detail });
                }
            }
        }
        chunk
    };
    tokio::task::spawn_blocking(read).await.map_err(|_| RunError::Crashed)
}

async fn answer(batcher: &Batcher, chunk: Chunk) -> Result<Answered, RunError> {
    let Chunk { samples, faces, failures } = chunk;
    Ok(Answered { samples, answers: classify(batcher, faces).await?, failures })
}

/// An evaluation has time, and traffic comes first.
const BACKGROUND: Call = Call { deadline: None, priority: Priority::Background };

/// Waits out a full queue.
async fn classify(batcher: &Batcher, faces: Vec<Face>) -> Result<Vec<Answer>, BatchError> {
    if faces.is_empty() {
        return Ok(Vec::new());
    }
    let inputs: Vec<Input> = faces.into_iter().map(Input::Face).collect();
    loop {
        match batcher.classify(inputs.clone(), BACKGROUND).await {
            Err(BatchError::Overloaded { retry_after }) => tokio::time::sleep(retry_after).await,
            answers => return answers.map(|answers| answers.rows),
        }
    }
}

/// How many images of a run go together, and how many such chunks wait or are worked on at once: what
/// the workers take, and a quarter of the background's line at most (one image where the line is tiny), so
/// that several runs find room in it.
fn share(options: BatchOptions) -> (usize, usize) {
    let room = (options.queue_images / 4).max(1);
    let chunk = options.max_batch.clamp(1, room);
    let in_flight = options.instances.clamp(1, room / chunk);
    (chunk, in_flight)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex, mpsc},
        time::Duration,
    };

    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        batching::Cores,
        inference::{Classifier, InferenceError, Labels, Probabilities},
        metrics::Metrics,
    };

    /// Answers one batch for each token.
    struct Gated(mpsc::Receiver<()>);

    impl Classifier for Gated {
        fn classify(&mut self, inputs: &[Input]) -> Result<Vec<Answer>, InferenceError> {
            self.0.recv().map_err(|error| InferenceError::Run(error.to_string()))?;
            let answer = Probabilities::new(&[0.25, 0.75])?;
            Ok(vec![Answer { probabilities: answer, outputs: Box::default() }; inputs.len()])
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
        let options = BatchOptions { queue_images, max_batch, max_delay, instances, threads: 1 };
        let series = metrics.model("gated", &labels);
        let batcher =
            Batcher::start("gated", &(Arc::new(factory) as _), options, Cores::new(1), series)
                .unwrap();
        let shows = async |line: &str| {
            while !String::from_utf8(metrics.render().unwrap()).unwrap().contains(line) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };

        // One image in the worker's hands, two in the line of the background: no room for the evaluation's.
        let face = || Face::new(1, vec![0]).unwrap();
        let traffic = |images: usize| {
            let (batcher, faces) = (batcher.clone(), vec![face().into(); images]);
            tokio::spawn(async move { batcher.classify(faces, BACKGROUND).await })
        };
        let first = traffic(1);
        shows("mien_queue_wait_seconds_count{model=\"gated\"} 1").await;
        let second = traffic(2);
        shows("mien_queue_images{model=\"gated\"} 2").await;
        let mut evaluation = Box::pin(classify(&batcher, vec![face()]));
        assert!(evaluation.as_mut().now_or_never().is_none());
        shows("mien_queue_images{model=\"gated\"} 2").await;
        (0..3).for_each(|_| tokens.send(()).unwrap());
        assert_eq!(evaluation.await.unwrap().len(), 1);
        let others = [first.await.unwrap().unwrap(), second.await.unwrap().unwrap()];
        assert_eq!(others.map(|answers| answers.rows.len()), [1, 2]);
    }

    proptest! {
        #[test]
        fn a_run_leaves_room_in_the_queue(
            queue_images in 0_usize..5000,
            max_batch in 0_usize..300,
            instances in 0_usize..20,
        ) {
            let options = BatchOptions { queue_images, max_batch, instances, max_delay: Duration::ZERO, threads: 1 };
            let (chunk, in_flight) = share(options);
            prop_assert!(chunk >= 1 && in_flight >= 1);
            prop_assert!(chunk * in_flight <= (queue_images / 4).max(1));
            prop_assert!(chunk <= max_batch.max(1) && in_flight <= instances.max(1));
        }
    }
}
