//! The evaluations of a server: a few run, some wait, the last finished ones are remembered.

use std::{
    collections::{BTreeMap, VecDeque},
    num::NonZeroUsize,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mien_faces::dataset::{Dataset, DatasetError, Sample, Split};
use tokio::{runtime::Handle, sync::Semaphore};

use super::{
    classes::{Classes, NotEmotions},
    job::{Document, Job},
    run::{self, RunError},
};
use crate::{metrics::Metrics, models::registry::LiveModel};

/// How many run at once. One keeps a model's workers busy; a second one, of another model, need not wait.
const RUNNING: usize = 2;
/// How many may be queued or running; more are refused.
const UNFINISHED: usize = 16;
/// How many are remembered.
const REMEMBERED: usize = 100;

/// What to evaluate on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// A name from `--data`.
    pub dataset: String,
    /// Which images.
    pub split: Split,
    /// At most so many, the same class-mixed ones each time.
    pub limit: Option<NonZeroUsize>,
}

/// Why an evaluation was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// No such data set is configured.
    #[error("there is no data set `{name}`; {}", known_datasets(known))]
    UnknownDataset {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The data set has no such images.
    #[error("the data set `{dataset}` has no {split} images")]
    EmptySplit {
        /// The data set.
        dataset: String,
        /// The split that was asked for.
        split: Split,
    },
    /// The model has other labels.
    #[error(transparent)]
    Labels(#[from] NotEmotions),
    /// Too many wait already.
    #[error("{UNFINISHED} evaluations are queued or running; wait for one to end or cancel one")]
    TooMany,
    /// The server is on its way down.
    #[error("the server is shutting down")]
    ShuttingDown,
}

fn known_datasets(known: &[String]) -> String {
    if known.is_empty() {
        "none is configured: start the server with --data NAME=DIR".to_owned()
    } else {
        format!("configured: {}", known.join(", "))
    }
}

/// The background evaluations.
pub struct Evaluations {
    datasets: BTreeMap<String, Dataset>,
    metrics: Arc<Metrics>,
    runtime: Handle,
    running: Arc<Semaphore>,
    jobs: Mutex<Jobs>,
}

#[derive(Default)]
struct Jobs {
    /// Oldest first.
    all: VecDeque<Arc<Job>>,
    closed: bool,
}

impl Evaluations {
    /// Lists the data sets, each by its name. Evaluations will run on the Tokio runtime of the caller.
    ///
    /// # Errors
    /// When one cannot be listed; the error names its path and the remedy.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn open(
        datasets: impl IntoIterator<Item = (String, PathBuf)>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, DatasetError> {
        let open = |(name, root): (String, PathBuf)| {
            let dataset = Dataset::open(&root)?;
            let images = dataset.samples(Split::Train).len() + dataset.samples(Split::Test).len();
            tracing::info!(dataset = name, images, "data set listed");
            Ok((name, dataset))
        };
        Ok(Self {
            datasets: datasets.into_iter().map(open).collect::<Result<_, _>>()?,
            metrics,
            runtime: Handle::current(),
            running: Arc::new(Semaphore::new(RUNNING)),
            jobs: Mutex::default(),
        })
    }

    /// Takes an order; the evaluation starts as soon as one of the running ones ends.
    ///
    /// # Errors
    /// When there is no such data or the model cannot be evaluated on it, or too much is to be done already.
    pub fn start(&self, order: Order, model: Arc<LiveModel>) -> Result<Arc<Job>, StartError> {
        Classes::of(&model.manifest.labels)?;
        let (samples, is_whole) = self.samples(&order)?;
        let mut jobs = self.lock();
        if jobs.closed {
            return Err(StartError::ShuttingDown);
        }
        if jobs.all.iter().filter(|job| !job.status().is_final()).count() >= UNFINISHED {
            return Err(StartError::TooMany);
        }
        let job = Arc::new(Job::new(&model, order, samples.len()));
        jobs.all.push_back(Arc::clone(&job));
        if jobs.all.len() > REMEMBERED
            && let Some(oldest) = jobs.all.iter().position(|job| job.status().is_final())
        {
            jobs.all.remove(oldest);
        }
        drop(jobs);
        let metrics = is_whole.then(|| Arc::clone(&self.metrics));
        self.runtime.spawn(work(
            Arc::clone(&job),
            model,
            samples,
            Arc::clone(&self.running),
            metrics,
        ));
        Ok(job)
    }

    /// The samples of an order, and whether they are the split as a whole.
    fn samples(&self, order: &Order) -> Result<(Vec<Sample>, bool), StartError> {
        let dataset = self.datasets.get(&order.dataset).ok_or_else(|| {
            let known = self.datasets.keys().cloned().collect();
            StartError::UnknownDataset { name: order.dataset.clone(), known }
        })?;
        let all = dataset.samples(order.split);
        if all.is_empty() {
            let (dataset, split) = (order.dataset.clone(), order.split);
            return Err(StartError::EmptySplit { dataset, split });
        }
        Ok(match order.limit.map(usize::from) {
            Some(limit) if limit < all.len() => (dataset.subset(order.split, limit), false),
            Some(_) | None => (all.to_vec(), true),
        })
    }

    /// Every evaluation that is remembered, newest first.
    pub fn list(&self) -> Vec<Document> {
        self.lock().all.iter().rev().map(|job| job.document()).collect()
    }

    /// The evaluation of an id.
    pub fn get(&self, id: &str) -> Option<Arc<Job>> {
        self.lock().all.iter().find(|job| job.id() == id).cloned()
    }

    /// Cancels the evaluation of an id; one that has ended stays as it is.
    pub fn cancel(&self, id: &str) -> Option<Arc<Job>> {
        let job = self.get(id)?;
        job.cancel();
        Some(job)
    }

    /// Takes no more orders and cancels what is queued or running.
    pub fn shut_down(&self) {
        let mut jobs = self.lock();
        jobs.closed = true;
        jobs.all.iter().for_each(|job| job.cancel());
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        // Nothing panics while the lock is held.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a job to its end or its cancel. `metrics` is for an accuracy over a whole split.
async fn work(
    job: Arc<Job>,
    model: Arc<LiveModel>,
    samples: Vec<Sample>,
    running: Arc<Semaphore>,
    metrics: Option<Arc<Metrics>>,
) {
    // If this future panics or is dropped, nobody shall wait for the job forever.
    let _end = FailUnfinished(Arc::clone(&job));
    let evaluate = async {
        let _turn = running.acquire().await;
        job.start();
        run::run(&model, samples, |images| job.progress(images)).await
    };
    tokio::select! {
        biased;
        () = job.finished() => {}
        result = evaluate => {
            let accuracy = result.as_ref().ok().and_then(|e| e.report.score.accuracy);
            if let (Some(metrics), Some(accuracy)) = (metrics, accuracy) {
                let Document { model, version, dataset, split, .. } = job.document();
                metrics.evaluation(&model, &version, &dataset, split.name(), accuracy);
            }
            job.finish(result);
        }
    }
    let Document { id, status, model, version, dataset, split, error, .. } = job.document();
    tracing::info!(id, ?status, model, version, dataset, %split, error, "evaluation ended");
}

struct FailUnfinished(Arc<Job>);

impl Drop for FailUnfinished {
    fn drop(&mut self) {
        self.0.finish(Err(RunError::Crashed));
    }
}
