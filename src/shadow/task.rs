//! The task of one shadow: loads the candidate, then compares images until the shadow ends.

use std::sync::{Arc, Mutex, Weak};

use arc_swap::ArcSwap;
use tokio::sync::{
    mpsc::{self, Receiver},
    oneshot,
};

use super::{
    comparison::Comparison,
    error::StartError,
    list::ShadowList,
    progress::{Loaded, Shadow},
    report::ShadowStatus,
};
use crate::models::{
    PromoteError, ShadowCandidate,
    mirror::{Mirror, MirroredImage},
    registry::LiveModel,
};

/// Maximum number of copied images that wait for the candidate.
const MAX_QUEUE_IMAGES: usize = 256;
/// Maximum memory of these images in bytes.
const MAX_QUEUE_BYTES: usize = 16 << 20;

/// Ends the registration of a shadow on drop, also after a panic.
struct Registration<'a> {
    list: &'a ShadowList,
    shadow: &'a Arc<Shadow>,
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.list.retire(self.shadow);
    }
}

/// Runs a registered shadow. Sends `Ok` to `begun` when images are copied, or the error if the shadow is not started.
pub(super) async fn run(
    list: Arc<ShadowList>,
    shadow: Arc<Shadow>,
    begun: oneshot::Sender<Result<(), StartError>>,
) {
    let registration = Registration {
        list: &list,
        shadow: &shadow,
    };
    let opened = tokio::select! {
        biased;
        () = shadow.stop_requested() => Err(StartError::Ended),
        opened = open(&list, &shadow) => opened,
    };
    match opened {
        Ok((comparison, images)) => match comparison.begin() {
            Ok(changes) => {
                // The client may have disconnected.
                let _ = begun.send(Ok(()));
                let reason = comparison.run(images, changes).await;
                shadow.end(ShadowStatus::Ended, reason);
                shadow.log_end();
            }
            Err(reason) => {
                shadow.end(ShadowStatus::Ended, reason);
                shadow.log_end();
                drop(registration);
                let _ = begun.send(Err(StartError::Ended));
            }
        },
        Err(error) => {
            let status = if matches!(error, StartError::Ended) {
                ShadowStatus::Ended
            } else {
                ShadowStatus::Failed
            };
            shadow.end(status, error.to_string());
            // The shadow is retired before the client gets the error, so that the client can start another shadow at once.
            drop(registration);
            let _ = begun.send(Err(error));
        }
    }
}

/// Loads the candidate and checks that it can replace the serving version.
async fn open(
    list: &ShadowList,
    shadow: &Arc<Shadow>,
) -> Result<(Comparison, Receiver<MirroredImage>), StartError> {
    let registry = &list.registry;
    let loading = registry.load_for_shadow(&shadow.candidate_model, shadow.candidate_version);
    let ShadowCandidate {
        model: candidate,
        is_serving,
    } = loading.await?;
    let serving = registry.resolve(Some(&shadow.model), None);
    let serving = serving.map_err(|_| PromoteError::NotServing(shadow.model.clone()))?;
    if serving.version != shadow.version {
        return Err(StartError::OtherServes {
            model: shadow.model.clone(),
            version: shadow.version,
            serving: serving.version,
        });
    }
    let classes = matching_classes(&serving, &candidate)?;
    let (version, name) = (shadow.version.to_string(), shadow.candidate());
    let metrics = Arc::new(list.metrics.shadow.shadow(&shadow.model, &version, &name));
    let (queue, images) = mpsc::channel(queue_length(serving.signature.side));
    let mirror = Arc::new(Mirror::new(
        shadow.share,
        takes_same_tensors(&serving, &candidate),
        queue,
        Arc::clone(&metrics),
    ));
    shadow.begin(Loaded {
        serving: serving.files(),
        candidate: candidate.files(),
        execution: candidate.execution,
        labels: serving.manifest.labels.clone(),
        mirror: Arc::clone(&mirror),
        metrics,
    });
    let comparison = Comparison {
        registry: Arc::clone(registry),
        shadow: Arc::clone(shadow),
        is_candidate_serving: is_serving,
        serving_files: serving.files(),
        candidate_files: candidate.files(),
        candidate: ArcSwap::new(candidate),
        classes,
        mirror,
        attached: Mutex::new(Weak::new()),
    };
    Ok((comparison, images))
}

/// Returns the index of each label of the candidate in the labels of the serving version.
///
/// # Errors
/// Returns an error if the labels or the sizes of the inputs differ.
fn matching_classes(serving: &LiveModel, candidate: &LiveModel) -> Result<Vec<usize>, StartError> {
    let name = |model: &LiveModel| format!("{}@{}", model.name, model.version);
    let [serving_side, candidate_side] = [serving, candidate].map(|model| model.signature.side);
    if serving_side != candidate_side {
        return Err(StartError::OtherSize {
            candidate: name(candidate),
            serving: name(serving),
            candidate_side,
            serving_side,
        });
    }
    let [labels, others] = [serving, candidate].map(|model| model.manifest.labels.names());
    let classes = others
        .iter()
        .map(|other| labels.iter().position(|label| label == other))
        .collect::<Option<Vec<usize>>>();
    // Labels are unique, so equal numbers of labels make the mapping complete.
    classes
        .filter(|classes| classes.len() == labels.len())
        .ok_or_else(|| StartError::OtherLabels {
            candidate: name(candidate),
            serving: name(serving),
        })
}

/// Returns whether a tensor of a client for the serving version has the same meaning for the candidate.
fn takes_same_tensors(serving: &LiveModel, candidate: &LiveModel) -> bool {
    let scaling = serving.signature.scaling;
    scaling.is_some() && scaling == candidate.signature.scaling
}

/// Returns the maximum number of waiting images with this number of rows and columns. A value has at most 4 bytes.
fn queue_length(side: usize) -> usize {
    let bytes = side.saturating_mul(side).saturating_mul(4).max(1);
    (MAX_QUEUE_BYTES / bytes).clamp(1, MAX_QUEUE_IMAGES)
}
