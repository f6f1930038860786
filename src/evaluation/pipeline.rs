//! Reads, decodes and classifies samples in chunks. Reading is one chunk ahead of the model, and both are bounded.

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use mien_faces::{dataset::Sample, image::Face};

use super::{error::RunError, reader_pool, result::UnreadableImage};
use crate::{
    batching::Batcher,
    inference::{Input, Prediction},
};

/// Classifies the samples and returns the chunks as they complete.
pub(super) fn classify(
    batcher: &Batcher,
    side: usize,
    samples: &[Sample],
) -> impl Stream<Item = Result<Classified, RunError>> {
    let (chunk, in_flight) = batcher.background_share();
    let chunks: Vec<Vec<Sample>> = samples.chunks(chunk).map(<[Sample]>::to_vec).collect();
    stream::iter(chunks)
        .map(move |samples| read(samples, side))
        .buffered(in_flight + 1)
        .map_ok(|chunk| classify_chunk(batcher, chunk))
        .try_buffer_unordered(in_flight)
}

/// A decoded chunk of the data set: the readable samples with their faces, and the unreadable images.
struct Chunk {
    samples: Vec<Sample>,
    faces: Vec<Face>,
    failures: Vec<UnreadableImage>,
}

/// A classified chunk: the readable samples with their predictions, and the unreadable images.
pub(super) struct Classified {
    pub(super) samples: Vec<Sample>,
    pub(super) predictions: Vec<Prediction>,
    pub(super) failures: Vec<UnreadableImage>,
}

/// Reads and decodes a chunk at background priority.
async fn read(samples: Vec<Sample>, side: usize) -> Result<Chunk, RunError> {
    reader_pool::run(move || {
        let mut chunk = Chunk {
            samples: Vec::new(),
            faces: Vec::new(),
            failures: Vec::new(),
        };
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
    })
    .await
}

async fn classify_chunk(batcher: &Batcher, chunk: Chunk) -> Result<Classified, RunError> {
    let Chunk {
        samples,
        faces,
        failures,
    } = chunk;
    let inputs: Vec<Input> = faces.into_iter().map(Input::Face).collect();
    let predictions = batcher.infer_in_background(&inputs, None).await?.rows;
    Ok(Classified {
        samples,
        predictions,
        failures,
    })
}
