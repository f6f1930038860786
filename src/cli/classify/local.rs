//! Classifies files with a model in this process.

mod batch_size;
mod photos;

use std::sync::Arc;

use anyhow::Context;
use futures_util::{Stream, StreamExt, stream::LocalBoxStream};
use mien_faces::image::{Face, Limits, decode};
use tokio::{sync::Semaphore, task::spawn_blocking};

pub(super) use self::{batch_size::BatchSizeSearch, photos::PhotoSearch};
use super::{
    inputs::Entry,
    read::read,
    result::{FileResult, ModelId, Outcome},
};
use crate::{batching::RequestOptions, inference::Probabilities, models::live::LiveModel};

/// Maximum number of results that are written at once.
const RESULTS: usize = 64;

/// A model in this process, and the face detector for photos.
pub(super) struct LocalModel {
    model: Arc<LiveModel>,
    id: ModelId,
    /// The search for faces; `None` if the whole image is the face.
    search: Option<PhotoSearch>,
    /// Number of files that are read and decoded at once.
    workers: usize,
    /// Whether the batch size is chosen during the run.
    searches_batch_size: bool,
    /// The free places of the queue of the model, so that it never rejects images.
    queue: Semaphore,
}

impl LocalModel {
    /// Uses a loaded model, and chooses its batch size during the run if `searches_batch_size` is set.
    pub(super) fn new(
        model: Arc<LiveModel>,
        searches_batch_size: bool,
        search: Option<PhotoSearch>,
        workers: usize,
    ) -> Self {
        let id = ModelId {
            model: model.name.clone(),
            version: model.version.to_string(),
        };
        let queue = Semaphore::new(model.batcher.capacity());
        Self {
            model,
            id,
            search,
            workers,
            searches_batch_size,
            queue,
        }
    }

    /// Returns the model of the results.
    pub(super) fn id(&self) -> &ModelId {
        &self.id
    }

    /// Returns the labels in the order of the probabilities.
    pub(super) fn labels(&self) -> &[String] {
        self.model.manifest.labels.names()
    }

    /// Returns the results in the order of the entries, those that are available at once together.
    pub(super) fn results<'a>(
        &'a self,
        entries: impl Stream<Item = anyhow::Result<Entry>> + 'a,
    ) -> LocalBoxStream<'a, anyhow::Result<Vec<FileResult>>> {
        let options = self.model.batcher.options();
        // The decoders work on the next files while the model classifies a batch per instance.
        let at_once = self.workers + options.instances * options.max_batch;
        let decoders = Arc::new(Semaphore::new(self.workers));
        let batcher = &self.model.batcher;
        let start = || BatchSizeSearch::start(batcher);
        let mut batch_size = self.searches_batch_size.then(start);
        entries
            .map(move |entry| {
                let decoders = Arc::clone(&decoders);
                async move { self.result(entry?, &decoders).await }
            })
            .buffered(at_once)
            .ready_chunks(RESULTS)
            .map(move |results| {
                if let Some(search) = &mut batch_size {
                    search.advance(batcher);
                }
                results.into_iter().collect()
            })
            .boxed_local()
    }

    async fn result(&self, entry: Entry, decoders: &Semaphore) -> anyhow::Result<FileResult> {
        let permit = decoders.acquire().await.context("the decoders ended")?;
        let outcome = match &self.search {
            None => {
                let face = self.face(entry.clone()).await?;
                drop(permit);
                match face {
                    Ok(face) => Ok(Outcome::Face(self.classify_one(face).await?)),
                    Err(error) => Err(error),
                }
            }
            Some(search) => {
                let side = self.model.signature.side;
                let found = search.find(entry.clone(), side).await?;
                drop(permit);
                match found {
                    Ok(mut photo) => {
                        let rows = self.classify(photo.take_crops()).await?;
                        Ok(Outcome::Faces(photos::located(photo, rows)))
                    }
                    Err(error) => Err(error),
                }
            }
        };
        Ok(match outcome {
            Ok(outcome) => FileResult::new(entry, Some(self.id.clone()), outcome),
            Err(error) => FileResult::failure(entry, error),
        })
    }

    /// Reads and decodes a file on a thread of its own. The inner error is that of the file.
    async fn face(&self, entry: Entry) -> anyhow::Result<Result<Face, String>> {
        let side = self.model.signature.side;
        let work = move || {
            let bytes = read(&entry)?;
            let image = decode(&bytes, &Limits::default()).map_err(|error| error.to_string())?;
            Ok(image.to_face(side))
        };
        spawn_blocking(work).await.context("the decoder panicked")
    }

    async fn classify_one(&self, face: Face) -> anyhow::Result<Probabilities> {
        let rows = self.classify(vec![face]).await?;
        rows.into_iter()
            .next()
            .context("the model returned no result")
    }

    /// Classifies faces, which are at most as many as the queue of the model has places.
    async fn classify(&self, faces: Vec<Face>) -> anyhow::Result<Vec<Probabilities>> {
        if faces.is_empty() {
            return Ok(Vec::new());
        }
        let places = u32::try_from(faces.len()).context("too many faces")?;
        let _places = self.queue.acquire_many(places).await?;
        let inputs = faces.into_iter().map(Into::into).collect();
        let response = self.model.batcher.infer(inputs, RequestOptions::default());
        let rows = response.await?.rows.into_iter();
        Ok(rows.map(|row| row.probabilities).collect())
    }
}
