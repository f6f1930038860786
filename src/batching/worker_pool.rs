//! The queue of a model with its worker threads.

use std::{
    io,
    sync::{
        Arc, Mutex, OnceLock,
        mpsc::{Sender, channel},
    },
    thread::JoinHandle,
};

use mien_host::sync::lock;

use super::{
    BatchOptions, CpuBudget, Factory, RetiredWorkers, queue::Queue, retired_workers::join_all,
    worker::Worker,
};
use crate::{
    inference::{InferenceError, Model},
    metrics::ModelMetrics,
    thread_priority,
};

/// A queue and the workers that process it. The queue closes on drop.
pub(super) struct WorkerPool<M: Model + ?Sized> {
    pub(super) queue: Arc<Queue<M>>,
    pub(super) metrics: ModelMetrics,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Receives the worker threads on drop.
    reaper: OnceLock<RetiredWorkers>,
}

impl<M: Model + ?Sized + 'static> WorkerPool<M> {
    /// Starts the worker threads, which create their classifiers concurrently, and waits for them.
    pub(super) fn start(
        model: &str,
        factory: &Factory<M>,
        options: BatchOptions,
        cores: CpuBudget,
        metrics: ModelMetrics,
    ) -> Result<Self, InferenceError> {
        let pool = Self {
            queue: Arc::new(Queue::new(options, cores, metrics.clone())),
            metrics,
            threads: Mutex::default(),
            reaper: OnceLock::new(),
        };
        let (ready, loaded) = channel();
        for index in 0..options.instances.max(1) {
            let thread = pool.spawn_worker(model, index, factory, ready.clone());
            let thread = thread.map_err(|error| {
                InferenceError::Runtime(format!("cannot start a worker thread: {error}"))
            })?;
            lock(&pool.threads).push(thread);
        }
        drop(ready);
        let mut started = 0;
        for result in loaded {
            result?;
            started += 1;
        }
        if started < options.instances {
            return Err(InferenceError::Model(
                "a worker panicked while loading the model".into(),
            ));
        }
        Ok(pool)
    }

    /// Starts worker `index`. It sends to `ready` whether it has created its classifier.
    fn spawn_worker(
        &self,
        model: &str,
        index: usize,
        factory: &Factory<M>,
        ready: Sender<Result<(), InferenceError>>,
    ) -> io::Result<JoinHandle<()>> {
        let (queue, metrics) = (Arc::clone(&self.queue), self.metrics.clone());
        let (factory, name) = (Arc::clone(factory), format!("{model}-{index}"));
        let body = move || {
            thread_priority::lower_to_inference_priority();
            match factory() {
                Ok(classifier) => {
                    let worker = Worker::new(index, name, factory, classifier, metrics);
                    let _ = ready.send(Ok(()));
                    drop(ready);
                    worker.run(&queue);
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        };
        std::thread::Builder::new()
            .name("mien-worker".to_owned())
            .spawn(body)
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
