//! The score without test images that are also in train, which a model may have memorised.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use mien_faces::{
    dataset::{Dataset, Split},
    report::without_duplicates,
};

use super::{error::RunError, result::EvaluationResult};
use crate::thread_priority::run_at_background_priority;

/// Identifiers of the images of a split that are also in train; `None` if that is unknown or does not apply.
pub type DuplicateIds = Option<Arc<HashSet<String>>>;

/// Searches for test images that are also in train. Returns `None` if the data set does not have both splits. Every image is
/// read on a blocking thread at background priority. Dropping the future ends the search.
pub async fn test_in_train(dataset: Arc<Dataset>) -> DuplicateIds {
    let guard = CancelGuard(Arc::new(AtomicBool::new(true)));
    let flag = Arc::clone(&guard.0);
    let should_continue = move || flag.load(Ordering::Relaxed);
    let search = tokio::task::spawn_blocking(move || {
        run_at_background_priority(|| dataset.test_in_train(should_continue))
    });
    let found = search
        .await
        .inspect_err(|error| tracing::error!(%error, "search for duplicates failed"));
    found.ok().flatten().map(Arc::new)
}

/// Awaits `run`, then `in_train`, and adds the score without duplicates. The search runs afterwards so that it does not slow
/// the evaluation down. An evaluation on train has no such score.
///
/// # Errors
/// Returns the errors of `run`.
pub async fn score_without_duplicates(
    split: Split,
    run: impl Future<Output = Result<EvaluationResult, RunError>>,
    in_train: impl Future<Output = DuplicateIds>,
) -> Result<EvaluationResult, RunError> {
    if split == Split::Train {
        return run.await;
    }
    let mut result = run.await?;
    let in_train = in_train.await;
    let without = |ids: Arc<HashSet<String>>| {
        without_duplicates(&result.predictions.images, |prediction| {
            ids.contains(&prediction.image)
        })
    };
    result.evaluation.without_duplicates = in_train.map(without);
    Ok(result)
}

/// Ends the search when it is dropped.
struct CancelGuard(Arc<AtomicBool>);

impl Drop for CancelGuard {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
