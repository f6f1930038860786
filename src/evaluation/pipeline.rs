//! Samples -> faces -> answers: reading runs ahead of the model, and neither takes more than its share.

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use mien_faces::{dataset::Sample, image::Face};

use super::run::{RunError, UnreadableImage};
use crate::{
    batching::Batcher,
    inference::{Answer, Input},
    thread_priority::run_at_background_priority,
};

/// The answers to the samples, chunk by chunk as they come.
pub(super) fn answers(
    batcher: &Batcher,
    side: usize,
    samples: &[Sample],
) -> impl Stream<Item = Result<Answered, RunError>> {
    let (chunk, in_flight) = batcher.background_share();
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

/// Reads and decodes a chunk on a blocking thread, behind live traffic.
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
    tokio::task::spawn_blocking(|| run_at_background_priority(read))
        .await
        .map_err(|_| RunError::Crashed)
}

async fn answer(batcher: &Batcher, chunk: Chunk) -> Result<Answered, RunError> {
    let Chunk { samples, faces, failures } = chunk;
    let inputs: Vec<Input> = faces.into_iter().map(Input::Face).collect();
    let answers = batcher.classify_in_background(&inputs, None).await?.rows;
    Ok(Answered { samples, answers, failures })
}
