//! Reads, decodes and classifies samples in chunks. Reading is one chunk ahead of the model, and both are bounded.

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use mien_faces::{
    dataset::{DatasetError, Sample},
    image::Face,
};

use super::{error::RunError, reader_pool, result::UnreadableImage};
use crate::{
    batching::Batcher,
    drift::FaceFeatures,
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

/// A decoded chunk of the data set: the readable samples with their faces and features, and the unreadable images.
struct Chunk {
    samples: Vec<Sample>,
    faces: Vec<Face>,
    features: Vec<FaceFeatures>,
    failures: Vec<UnreadableImage>,
}

/// A classified chunk: the readable samples with their features and predictions, and the unreadable images.
pub(super) struct Classified {
    pub(super) samples: Vec<Sample>,
    pub(super) features: Vec<FaceFeatures>,
    pub(super) predictions: Vec<Prediction>,
    pub(super) failures: Vec<UnreadableImage>,
}

/// Reads and decodes a chunk at background priority.
async fn read(samples: Vec<Sample>, side: usize) -> Result<Chunk, RunError> {
    reader_pool::run(move || {
        let mut chunk = Chunk {
            samples: Vec::new(),
            faces: Vec::new(),
            features: Vec::new(),
            failures: Vec::new(),
        };
        for sample in samples {
            match load(&sample, side) {
                Ok((face, features)) => {
                    chunk.samples.push(sample);
                    chunk.faces.push(face);
                    chunk.features.push(features);
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

/// Reads a sample and converts it like [`Sample::load`]. Also measures the face.
fn load(sample: &Sample, side: usize) -> Result<(Face, FaceFeatures), DatasetError> {
    let image = sample.read()?;
    let face = image.to_face(side);
    let features = FaceFeatures::of_face(&face, image.mean_side());
    Ok((face, features))
}

async fn classify_chunk(batcher: &Batcher, chunk: Chunk) -> Result<Classified, RunError> {
    let Chunk {
        samples,
        faces,
        features,
        failures,
    } = chunk;
    let inputs: Vec<Input> = faces.into_iter().map(Input::Face).collect();
    let predictions = batcher.infer_in_background(&inputs, None).await?.rows;
    Ok(Classified {
        samples,
        features,
        predictions,
        failures,
    })
}
