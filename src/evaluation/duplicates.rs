//! The score without the test images that a model may know from train.

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

use super::{EvaluationResult, RunError};
use crate::thread_priority::run_at_background_priority;

/// The ids of images of a split that lie in train too; `None` where there is no telling or no sense in it.
pub type DuplicateIds = Option<Arc<HashSet<String>>>;

/// The ids of the test images of a data set that lie in its train too; `None` where it has not both. Every image is read,
/// off the event loop and behind whoever else wants the cores; dropping the future ends that.
pub async fn test_in_train(dataset: Arc<Dataset>) -> DuplicateIds {
    let wanted = Wanted(Arc::new(AtomicBool::new(true)));
    let is_wanted = Arc::clone(&wanted.0);
    let go_on = move || is_wanted.load(Ordering::Relaxed);
    let search = tokio::task::spawn_blocking(move || {
        run_at_background_priority(|| dataset.test_in_train(go_on))
    });
    let found = search.await.inspect_err(|error| tracing::error!("looking for copies: {error}"));
    found.ok().flatten().map(Arc::new)
}

/// A run on a split, `in_train` after it, which would only slow it down, and of both the score without duplicates. The images of train are all in train:
/// of these there is none.
///
/// # Errors
/// Those of the run, at once.
pub async fn leave_out(
    split: Split,
    run: impl Future<Output = Result<EvaluationResult, RunError>>,
    in_train: impl Future<Output = DuplicateIds>,
) -> Result<EvaluationResult, RunError> {
    if split == Split::Train {
        return run.await;
    }
    let mut finding = run.await?;
    let in_train = in_train.await;
    let without = |ids: Arc<HashSet<String>>| {
        without_duplicates(&finding.predictions, |prediction| ids.contains(&prediction.image))
    };
    finding.evaluation.without_duplicates = in_train.map(without);
    Ok(finding)
}

/// Whether somebody waits for the answer.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
