//! Runs the candidate on the copied images, and ends the shadow when the versions change.

use std::sync::{Arc, Mutex, Weak};

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use mien_host::sync::lock;
use tokio::sync::{mpsc::Receiver, watch};

use super::{
    progress::Shadow,
    tally::{Outcome, Pair, Side},
};
use crate::{
    batching::{BatchError, Priority, RequestOptions},
    models::{
        live::ServedFiles,
        mirror::{Mirror, MirroredImage},
        registry::{LiveModel, Registry},
    },
};

/// A shadow whose candidate is loaded.
pub(super) struct Comparison {
    pub(super) registry: Arc<Registry>,
    pub(super) shadow: Arc<Shadow>,
    pub(super) candidate: ArcSwap<LiveModel>,
    /// Whether the candidate also serves clients, so that the server may replace or unload it.
    pub(super) is_candidate_serving: bool,
    pub(super) serving_files: ServedFiles,
    pub(super) candidate_files: ServedFiles,
    /// The index of each label of the candidate in the labels of the serving version.
    pub(super) classes: Vec<usize>,
    pub(super) mirror: Arc<Mirror>,
    /// The version that copies its images. `Weak`, so that the shadow does not delay its retirement.
    pub(super) attached: Mutex<Weak<LiveModel>>,
}

impl Comparison {
    /// Starts to copy images. Returns the changes of the versions from now on.
    ///
    /// # Errors
    /// Returns the reason if the versions have changed since the candidate was loaded.
    pub(super) fn begin(&self) -> Result<watch::Receiver<()>, String> {
        // Later changes are noticed, because they follow the subscription.
        let changes = self.registry.subscribe();
        self.attach()?;
        Ok(changes)
    }

    /// Compares images until the shadow ends, and returns the reason.
    pub(super) async fn run(
        self,
        images: Receiver<MirroredImage>,
        changes: watch::Receiver<()>,
    ) -> String {
        let reason = tokio::select! {
            biased;
            () = self.shadow.stop_requested() => "the shadow was ended".to_owned(),
            reason = self.watch(changes) => reason,
            reason = self.compare(images) => reason,
        };
        if let Some(serving) = lock(&self.attached).upgrade() {
            serving.mirror.detach(&self.mirror);
        }
        reason
    }

    /// Returns the reason when the versions have changed so that the shadow must end.
    async fn watch(&self, mut changes: watch::Receiver<()>) -> String {
        while changes.changed().await.is_ok() {
            if let Err(reason) = self.attach() {
                return reason;
            }
        }
        "the models were unloaded".to_owned()
    }

    /// Copies the images of the serving version, which may have been loaded again from the same files.
    ///
    /// # Errors
    /// Returns the reason if another version or file serves, or if the candidate was replaced.
    fn attach(&self) -> Result<(), String> {
        let Shadow {
            model,
            version,
            candidate_model,
            candidate_version,
            ..
        } = &*self.shadow;
        let serving = self.registry.resolve(Some(model.as_str()), None);
        let serving = serving.map_err(|error| error.to_string())?;
        if serving.version != *version {
            let other = serving.version;
            return Err(format!("version {other} of model `{model}` serves now"));
        }
        if serving.files() != self.serving_files {
            return Err(format!("version {version} of model `{model}` was replaced"));
        }
        if self.is_candidate_serving {
            let version = candidate_version.to_string();
            let candidate = self
                .registry
                .resolve(Some(candidate_model.as_str()), Some(&version));
            let candidate = candidate.map_err(|error| error.to_string())?;
            if candidate.files() != self.candidate_files {
                return Err(format!("{} was replaced", self.shadow.candidate()));
            }
            self.candidate.store(candidate);
        }
        serving.mirror.attach(&self.mirror);
        *lock(&self.attached) = Arc::downgrade(&serving);
        Ok(())
    }

    /// Compares images. Returns the reason if the candidate does not accept images any more.
    async fn compare(&self, mut images: Receiver<MirroredImage>) -> String {
        let mut chunk = Vec::new();
        loop {
            let (limit, _) = self.candidate.load().batcher.background_share();
            if images.recv_many(&mut chunk, limit).await == 0 {
                return "the queue of the shadow was closed".to_owned();
            }
            let candidate = self.candidate.load_full();
            let results = chunk
                .drain(..)
                .map(|image| self.classify(&candidate, image));
            // Each image is a request of its own, so that the failure of one does not affect the others.
            let results: Result<Vec<Outcome>, String> =
                join_all(results).await.into_iter().collect();
            match results {
                Ok(outcomes) => self.shadow.record(outcomes),
                Err(reason) => return reason,
            }
        }
    }

    /// Runs the candidate on an image.
    ///
    /// # Errors
    /// Returns the reason if the candidate does not accept images any more.
    async fn classify(
        &self,
        candidate: &LiveModel,
        image: MirroredImage,
    ) -> Result<Outcome, String> {
        let request = RequestOptions {
            deadline: None,
            priority: Priority::Background,
        };
        let response = match candidate.batcher.infer(vec![image.input], request).await {
            Ok(response) => response,
            Err(BatchError::Overloaded { .. }) => return Ok(Outcome::Dropped),
            Err(BatchError::OutOfService(reason)) => {
                return Err(format!("{} is {reason}", self.shadow.candidate()));
            }
            Err(error @ BatchError::ShuttingDown) => return Err(error.to_string()),
            Err(
                BatchError::DeadlineExceeded
                | BatchError::Failed(_)
                | BatchError::InferenceTimeout(_)
                | BatchError::InvalidOutput(_),
            ) => return Ok(Outcome::Failed),
        };
        let prediction = response.rows.first().map(|row| row.probabilities.top());
        let pair = prediction.and_then(|(class, confidence)| {
            Some(Pair {
                serving: Side {
                    class: image.class,
                    confidence: image.confidence,
                    inference: image.inference,
                },
                candidate: Side {
                    class: *self.classes.get(class)?,
                    confidence,
                    inference: response.inference_per_image,
                },
            })
        });
        Ok(pair.map_or(Outcome::Failed, Outcome::Compared))
    }
}
