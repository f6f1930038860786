//! The queue of a model with its worker threads.

use std::{
    ops::Range,
    sync::{
        Arc, Mutex, OnceLock,
        mpsc::{Sender, channel},
    },
    thread::JoinHandle,
};

use mien_host::sync::lock;

use super::{
    BatchOptions, Batcher, CpuBudget, Factory, RetiredWorkers, StartMode, queue::Queue,
    retired_workers::join_all, worker::Worker,
};
use crate::{
    inference::{InferenceError, Model},
    metrics::{Counted, ModelMetrics},
    thread_priority,
};

/// A queue and the workers that process it. The queue closes on drop.
pub(super) struct WorkerPool<M: Model + ?Sized> {
    pub(super) queue: Arc<Queue<M>>,
    pub(super) metrics: ModelMetrics,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Receives the worker threads on drop.
    reaper: OnceLock<RetiredWorkers>,
    _capacity: [Counted; 2],
}

impl<M: Model + ?Sized + 'static> Batcher<M> {
    /// Starts the worker threads, which create their models concurrently, and waits for all of them.
    ///
    /// # Errors
    /// Returns an error if the factory fails or a thread cannot be started.
    pub fn start(
        model: &str,
        factory: &Factory<M>,
        options: BatchOptions,
        cores: CpuBudget,
        metrics: ModelMetrics,
    ) -> Result<Self, InferenceError> {
        Self::start_in_mode(
            model,
            factory,
            options,
            cores,
            metrics,
            StartMode::AllWorkers,
        )
    }

    /// Starts the worker threads like [`Self::start`] and waits for those that `mode` requires.
    ///
    /// # Errors
    /// Returns an error if the factory fails for one of these workers, or if a thread cannot be started.
    pub fn start_in_mode(
        model: &str,
        factory: &Factory<M>,
        options: BatchOptions,
        cores: CpuBudget,
        metrics: ModelMetrics,
        mode: StartMode,
    ) -> Result<Self, InferenceError> {
        let pool = WorkerPool::new(options, cores, metrics);
        let workers = 0..options.instances.max(1);
        match mode {
            StartMode::AllWorkers => pool.start(model, factory, workers)?,
            StartMode::FirstWorker => {
                pool.start(model, factory, 0..1)?;
                for index in workers.skip(1) {
                    pool.spawn_worker(model, index, factory, None)?;
                }
            }
        }
        Ok(Self(Arc::new(pool)))
    }
}

impl<M: Model + ?Sized + 'static> WorkerPool<M> {
    /// Creates a pool without workers.
    fn new(options: BatchOptions, cores: CpuBudget, metrics: ModelMetrics) -> Self {
        Self {
            queue: Arc::new(Queue::new(options, cores, metrics.clone())),
            _capacity: metrics.count_capacity(options.instances.max(1), options.max_queue_size),
            metrics,
            threads: Mutex::default(),
            reaper: OnceLock::new(),
        }
    }

    /// Starts workers, which create their classifiers concurrently, and waits for them.
    fn start(
        &self,
        model: &str,
        factory: &Factory<M>,
        workers: Range<usize>,
    ) -> Result<(), InferenceError> {
        let (ready, loaded) = channel();
        for index in workers.clone() {
            self.spawn_worker(model, index, factory, Some(ready.clone()))?;
        }
        drop(ready);
        let mut started = 0;
        for result in loaded {
            result?;
            started += 1;
        }
        if started < workers.len() {
            return Err(InferenceError::Model(
                "a worker panicked while loading the model".into(),
            ));
        }
        Ok(())
    }

    /// Starts worker `index`. It sends to `ready` whether it has created its classifier. Without `ready` it creates its classifier
    /// like after a panic, and tries again if that fails.
    fn spawn_worker(
        &self,
        model: &str,
        index: usize,
        factory: &Factory<M>,
        ready: Option<Sender<Result<(), InferenceError>>>,
    ) -> Result<(), InferenceError> {
        let (queue, metrics) = (Arc::clone(&self.queue), self.metrics.clone());
        let (factory, name) = (Arc::clone(factory), format!("{model}-{index}"));
        let body = move || {
            thread_priority::lower_to_inference_priority();
            let Some(ready) = ready else {
                return Worker::new(index, name, factory, None, metrics).run(&queue);
            };
            match factory() {
                Ok(classifier) => {
                    let worker = Worker::new(index, name, factory, Some(classifier), metrics);
                    let _ = ready.send(Ok(()));
                    drop(ready);
                    worker.run(&queue);
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        };
        let thread = std::thread::Builder::new()
            .name("mien-worker".to_owned())
            .spawn(body);
        let thread = thread.map_err(|error| {
            InferenceError::Runtime(format!("cannot start a worker thread: {error}"))
        })?;
        lock(&self.threads).push(thread);
        Ok(())
    }

    /// Blocks until the workers have ended, which happens when the queue is closed and empty.
    pub(super) fn join(&self) {
        join_all(std::mem::take(&mut lock(&self.threads)));
    }

    /// Sets the receiver of the worker threads. Later calls have no effect.
    pub(super) fn set_reaper(&self, reaper: &RetiredWorkers) {
        let _ = self.reaper.set(reaper.clone());
    }
}

impl<M: Model + ?Sized> Drop for WorkerPool<M> {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(reaper) = self.reaper.get() {
            reaper.add(std::mem::take(&mut lock(&self.threads)));
        }
    }
}
