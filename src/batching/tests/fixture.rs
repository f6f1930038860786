//! A batcher over fake classifiers that record every batch.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    task::Poll,
    time::{Duration, Instant},
};

use mien_faces::image::Face;
use tokio::runtime::{Builder, Runtime};

use super::super::*;
use crate::{
    inference::{Input, Labels, Prediction, Probabilities},
    metrics::Metrics,
};

/// Returns a face whose gray level, 0 to 254, is its number.
fn face(number: u8) -> Face {
    Face::new(1, vec![number]).unwrap()
}

fn inputs(numbers: impl IntoIterator<Item = u8>) -> Vec<Input> {
    numbers
        .into_iter()
        .map(|number| Input::Face(face(number)))
        .collect()
}

pub(super) fn until(deadline: Instant) -> RequestOptions {
    RequestOptions {
        deadline: Some(deadline),
        ..RequestOptions::default()
    }
}

/// Returns the number of the face that a prediction belongs to.
fn number(prediction: &Prediction) -> u8 {
    (prediction.probabilities.as_slice()[0] * 255.0).round() as u8
}

/// Makes the fake return an error.
pub(super) const POISON: u8 = 250;
/// Makes the fake return an invalid distribution.
pub(super) const NAN: u8 = 249;
/// Makes the fake exceed its time limit.
pub(super) const ENDLESS: u8 = 253;
/// Makes the fake panic.
pub(super) const BOMB: u8 = 251;
/// Makes the fake wait at the gate.
pub(super) const GATE: u8 = 252;

struct Fake {
    log: Arc<Mutex<Vec<Vec<u8>>>>,
    gate: Arc<Gate>,
}

/// Reports that a worker has arrived and blocks it until the test lets it pass.
struct Gate {
    arrived: mpsc::Sender<()>,
    pass: Mutex<mpsc::Receiver<()>>,
}

impl Classifier for Fake {
    fn classify(
        &mut self,
        inputs: &[Input],
    ) -> Result<Vec<Result<Prediction, InferenceError>>, InferenceError> {
        let first = |input: &Input| match input {
            Input::Face(face) => face.pixels()[0],
            Input::Tensor(_) => panic!("only faces are sent"),
        };
        let numbers: Vec<u8> = inputs.iter().map(first).collect();
        self.log.lock().unwrap().push(numbers.clone());
        if numbers.contains(&GATE) {
            self.gate.arrived.send(()).unwrap();
            let _ = self.gate.pass.lock().unwrap().recv();
        }
        assert!(!numbers.contains(&BOMB), "boom");
        if numbers.contains(&ENDLESS) {
            return Err(InferenceError::Timeout("too slow".to_owned()));
        }
        if numbers.contains(&POISON) {
            return Err(InferenceError::Run("poison".to_owned()));
        }
        let row = |&number: &u8| {
            let p = if number == NAN {
                f32::NAN
            } else {
                f32::from(number) / 255.0
            };
            let probabilities = Probabilities::new(&[p, 1.0 - p])?;
            Ok(Prediction {
                probabilities,
                outputs: Box::default(),
            })
        };
        Ok(numbers.iter().map(row).collect())
    }
}

/// A batcher over fakes.
pub(super) struct Bench {
    pub(super) batcher: Batcher,
    metrics: Metrics,
    pub(super) log: Arc<Mutex<Vec<Vec<u8>>>>,
    pub(super) made: Arc<AtomicUsize>,
    broken: Arc<AtomicBool>,
    arrived: mpsc::Receiver<()>,
    pub(super) pass: mpsc::Sender<()>,
    pub(super) runtime: Runtime,
}

impl Bench {
    pub(super) fn new(max_queue_size: usize, max_batch: usize, instances: usize) -> Self {
        let (max_queue_delay, intra_op_threads) = (Duration::ZERO, 1);
        let options = BatchOptions {
            max_queue_size,
            max_batch,
            max_queue_delay,
            instances,
            intra_op_threads,
        };
        Self::with(options, CpuBudget::new(instances))
    }

    pub(super) fn with(options: BatchOptions, cores: CpuBudget) -> Self {
        let (arrive, arrived) = mpsc::channel();
        let (pass, passes) = mpsc::channel();
        let gate = Arc::new(Gate {
            arrived: arrive,
            pass: Mutex::new(passes),
        });
        let (log, made) = (
            Arc::<Mutex<Vec<_>>>::default(),
            Arc::<AtomicUsize>::default(),
        );
        let broken = Arc::<AtomicBool>::default();
        let factory: Factory = {
            let (log, made, broken) = (Arc::clone(&log), Arc::clone(&made), Arc::clone(&broken));
            Arc::new(move || {
                assert!(!broken.load(Ordering::SeqCst), "no classifier");
                made.fetch_add(1, Ordering::SeqCst);
                Ok(Box::new(Fake {
                    log: Arc::clone(&log),
                    gate: Arc::clone(&gate),
                }))
            })
        };
        let metrics = Metrics::new();
        let labels = Labels::new(vec!["a".to_owned(), "b".to_owned()]).unwrap();
        let series = metrics.model("m", "1", &labels);
        let batcher = Batcher::start("m", &factory, options, cores, series).unwrap();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .unwrap();
        Self {
            batcher,
            metrics,
            log,
            made,
            broken,
            arrived,
            pass,
            runtime,
        }
    }

    /// Sends a request and returns when it is queued or rejected.
    pub(super) fn send(
        &self,
        numbers: impl IntoIterator<Item = u8>,
        options: RequestOptions,
    ) -> tokio::task::JoinHandle<Result<Vec<u8>, BatchError>> {
        let batcher = self.batcher.clone();
        let inputs = inputs(numbers);
        let (polled, first_poll) = mpsc::channel();
        let task = self.runtime.spawn(async move {
            let mut request = Box::pin(batcher.infer(inputs, options));
            let first = poll_fn(|context| Poll::Ready(request.as_mut().poll(context))).await;
            polled.send(()).unwrap();
            let response = match first {
                Poll::Ready(response) => response,
                Poll::Pending => request.await,
            };
            response.map(|response| response.rows.iter().map(number).collect())
        });
        first_poll.recv().unwrap();
        task
    }

    /// Sets whether the factory panics.
    pub(super) fn break_factory(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }

    pub(super) fn wait<T>(&self, task: tokio::task::JoinHandle<T>) -> T {
        self.runtime.block_on(task).unwrap()
    }

    /// Blocks the only worker at the gate until `pass`.
    pub(super) fn occupy(&self) -> tokio::task::JoinHandle<Result<Vec<u8>, BatchError>> {
        let task = self.send([GATE], RequestOptions::default());
        self.arrived();
        task
    }

    /// Waits until a worker is at the gate.
    pub(super) fn arrived(&self) {
        self.arrived.recv().unwrap();
    }

    /// Returns the number of images of both priorities with this outcome.
    pub(super) fn outcome(&self, outcome: &str) -> usize {
        let of = |priority: &str| {
            let labels =
                format!("model=\"m\",outcome=\"{outcome}\",priority=\"{priority}\",version=\"1\"");
            self.value(&format!("mien_images_total{{{labels}}} "))
        };
        of("live") + of("background")
    }

    pub(super) fn value(&self, start: &str) -> usize {
        let text = self.metrics.render().unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(start));
        line.expect(start).parse().unwrap()
    }
}
