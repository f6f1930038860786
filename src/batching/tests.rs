//! The batcher with a fake classifier: what a face gets back tells which face it was.
//!
//! Nothing here depends on how fast anything is: the fake stops at a gate where a test needs to know
//! that a worker is busy.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::Poll,
    time::{Duration, Instant},
};

use mien_faces::image::Face;
use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::{
    inference::{Labels, Probabilities},
    metrics::Metrics,
};

/// A face whose gray level, 0 to 254, is its number.
fn face(number: u8) -> Face {
    Face::new(1, vec![number]).unwrap()
}

fn inputs(numbers: impl IntoIterator<Item = u8>) -> Vec<Input> {
    numbers.into_iter().map(|number| Input::Face(face(number))).collect()
}

fn until(deadline: Instant) -> Call {
    Call { deadline: Some(deadline), ..Call::default() }
}

/// The number of the face that an answer was made for.
fn number(answer: &Answer) -> u8 {
    (answer.probabilities.as_slice()[0] * 255.0).round() as u8
}

/// Makes the fake fail with an error.
const POISON: u8 = 250;
/// Makes the fake panic.
const BOMB: u8 = 251;
/// Makes the fake wait at its gate.
const GATE: u8 = 252;

struct Fake {
    log: Arc<Mutex<Vec<Vec<u8>>>>,
    gate: Arc<Gate>,
}

/// Tells that a worker has arrived, and holds it until it is let through.
struct Gate {
    arrived: mpsc::Sender<()>,
    pass: Mutex<mpsc::Receiver<()>>,
}

impl Classifier for Fake {
    fn classify(&mut self, inputs: &[Input]) -> Result<Vec<Answer>, InferenceError> {
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
        if numbers.contains(&POISON) {
            return Err(InferenceError::Run("poison".to_owned()));
        }
        let row = |&number: &u8| {
            let p = f32::from(number) / 255.0;
            let probabilities = Probabilities::new(&[p, 1.0 - p])?;
            Ok(Answer { probabilities, outputs: Box::default() })
        };
        numbers.iter().map(row).collect()
    }
}

/// A batcher over fakes, with a view on everything that happens.
struct Bench {
    batcher: Batcher,
    metrics: Metrics,
    log: Arc<Mutex<Vec<Vec<u8>>>>,
    made: Arc<AtomicUsize>,
    arrived: mpsc::Receiver<()>,
    pass: mpsc::Sender<()>,
    runtime: Runtime,
}

impl Bench {
    fn new(queue_images: usize, max_batch: usize, instances: usize) -> Self {
        let (arrive, arrived) = mpsc::channel();
        let (pass, passes) = mpsc::channel();
        let gate = Arc::new(Gate { arrived: arrive, pass: Mutex::new(passes) });
        let (log, made) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicUsize>::default());
        let factory: Factory = {
            let (log, made) = (Arc::clone(&log), Arc::clone(&made));
            Arc::new(move || {
                made.fetch_add(1, Ordering::SeqCst);
                Ok(Box::new(Fake { log: Arc::clone(&log), gate: Arc::clone(&gate) }))
            })
        };
        let options = BatchOptions {
            queue_images,
            max_batch,
            max_delay: Duration::ZERO,
            instances,
            threads: 1,
        };
        let metrics = Metrics::new();
        let labels = Labels::new(vec!["a".to_owned(), "b".to_owned()]).unwrap();
        let series = metrics.model("m", &labels);
        let batcher =
            Batcher::start("m", &factory, options, Cores::new(instances), series).unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
        Self { batcher, metrics, log, made, arrived, pass, runtime }
    }

    /// Sends a request off; it is in the queue when this returns or has been refused.
    fn send(
        &self,
        numbers: impl IntoIterator<Item = u8>,
        call: Call,
    ) -> tokio::task::JoinHandle<Result<Vec<u8>, BatchError>> {
        let batcher = self.batcher.clone();
        let inputs = inputs(numbers);
        let (polled, first_poll) = mpsc::channel();
        let task = self.runtime.spawn(async move {
            let mut request = Box::pin(batcher.classify(inputs, call));
            let first = poll_fn(|context| Poll::Ready(request.as_mut().poll(context))).await;
            polled.send(()).unwrap();
            let answers = match first {
                Poll::Ready(answers) => answers,
                Poll::Pending => request.await,
            };
            answers.map(|answers| answers.rows.iter().map(number).collect())
        });
        first_poll.recv().unwrap();
        task
    }

    fn wait<T>(&self, task: tokio::task::JoinHandle<T>) -> T {
        self.runtime.block_on(task).unwrap()
    }

    /// Occupies the only worker; `pass` frees it again.
    fn occupy(&self) -> tokio::task::JoinHandle<Result<Vec<u8>, BatchError>> {
        let task = self.send([GATE], Call::default());
        self.arrived.recv().unwrap();
        task
    }

    fn outcome(&self, outcome: &str) -> usize {
        let line = format!("mien_images_total{{model=\"m\",outcome=\"{outcome}\"}} ");
        self.value(&line)
    }

    fn value(&self, start: &str) -> usize {
        let text = String::from_utf8(self.metrics.render().unwrap()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(start));
        line.expect(start).parse().unwrap()
    }
}

#[test]
fn answers_come_back_in_order_over_many_batches() {
    let bench = Bench::new(64, 4, 2);
    assert_eq!(bench.wait(bench.send(0..50, Call::default())), Ok((0..50).collect()));
    assert!(bench.log.lock().unwrap().iter().all(|batch| batch.len() <= 4));
    assert_eq!(bench.wait(bench.send([], Call::default())), Ok(vec![]));
}

#[test]
fn a_busy_worker_finds_a_batch_waiting_oldest_first() {
    let bench = Bench::new(64, 3, 1);
    let busy = bench.occupy();
    let tasks = [bench.send([1, 2], Call::default()), bench.send([3, 4], Call::default())];
    bench.pass.send(()).unwrap();
    assert_eq!(tasks.map(|task| bench.wait(task)), [Ok(vec![1, 2]), Ok(vec![3, 4])]);
    assert_eq!(*bench.log.lock().unwrap(), [vec![GATE], vec![1, 2, 3], vec![4]]);
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
}

#[test]
fn the_queue_takes_all_or_nothing_and_exactly_its_length() {
    let bench = Bench::new(4, 8, 1);
    let busy = bench.occupy();
    let three = bench.send([1, 2, 3], Call::default());
    let refused = bench.wait(bench.send([4, 5], Call::default()));
    assert!(
        matches!(refused, Err(BatchError::Overloaded { retry_after }) if retry_after >= Duration::from_secs(1))
    );
    let one = bench.send([6], Call::default());
    assert_eq!(bench.value("mien_queue_images{model=\"m\"} "), 4);
    assert!(bench.batcher.check_room(1).is_err());
    bench.pass.send(()).unwrap();
    assert_eq!(bench.wait(three), Ok(vec![1, 2, 3]));
    assert_eq!(bench.wait(one), Ok(vec![6]));
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    bench.batcher.join();
    assert_eq!(bench.value("mien_queue_images{model=\"m\"} "), 0);
    assert_eq!((bench.outcome("ok"), bench.outcome("rejected")), (5, 3));
}

#[test]
fn more_than_the_whole_queue_never_fits() {
    let bench = Bench::new(4, 8, 1);
    let refused = bench.wait(bench.send(0..5, Call::default()));
    assert!(matches!(refused, Err(BatchError::Overloaded { .. })));
}

#[test]
fn cancelled_images_are_skipped_and_make_room() {
    let bench = Bench::new(2, 8, 1);
    let busy = bench.occupy();
    let cancelled = bench.send([1, 2], Call::default());
    cancelled.abort();
    assert!(bench.runtime.block_on(cancelled).is_err());
    let next = bench.send([3, 4], Call::default());
    bench.pass.send(()).unwrap();
    assert_eq!(bench.wait(next), Ok(vec![3, 4]));
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    bench.batcher.join();
    assert_eq!(*bench.log.lock().unwrap(), [vec![GATE], vec![3, 4]]);
    assert_eq!(bench.outcome("cancelled"), 2);
}

#[test]
fn expired_images_are_answered_in_time_and_never_run() {
    let bench = Bench::new(8, 8, 1);
    let busy = bench.occupy();
    let soon = bench.send([1], until(Instant::now() + Duration::from_millis(1)));
    assert_eq!(bench.wait(soon), Err(BatchError::DeadlineExceeded));
    let past = bench.send([2, 3], until(Instant::now()));
    assert_eq!(bench.wait(past), Err(BatchError::DeadlineExceeded));
    bench.pass.send(()).unwrap();
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    bench.batcher.join();
    assert_eq!(*bench.log.lock().unwrap(), [vec![GATE]]);
    assert_eq!(bench.outcome("expired"), 3);
}

#[test]
fn one_bad_image_fails_its_own_request_only() {
    let bench = Bench::new(8, 8, 1);
    let busy = bench.occupy();
    let tasks = [
        bench.send([1], Call::default()),
        bench.send([POISON], Call::default()),
        bench.send([2], Call::default()),
    ];
    bench.pass.send(()).unwrap();
    let [before, poisoned, after] = tasks.map(|task| bench.wait(task));
    assert_eq!((before, after), (Ok(vec![1]), Ok(vec![2])));
    assert!(matches!(poisoned, Err(BatchError::Failed(reason)) if reason.contains("poison")));
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    bench.batcher.join();
    assert_eq!((bench.outcome("ok"), bench.outcome("failed")), (3, 1));
    assert_eq!(bench.made.load(Ordering::SeqCst), 1, "an error costs no classifier");
}

#[test]
fn a_panic_is_contained_and_the_classifier_replaced() {
    let bench = Bench::new(8, 8, 1);
    let busy = bench.occupy();
    let tasks = [
        bench.send([1], Call::default()),
        bench.send([BOMB], Call::default()),
        bench.send([2], Call::default()),
    ];
    bench.pass.send(()).unwrap();
    let [before, bomb, after] = tasks.map(|task| bench.wait(task));
    assert_eq!((before, after), (Ok(vec![1]), Ok(vec![2])));
    assert!(matches!(bomb, Err(BatchError::Failed(_))));
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    // One panic in the batch, one alone: two new classifiers.
    assert_eq!(bench.made.load(Ordering::SeqCst), 3);
}

#[test]
fn what_is_queued_is_answered_before_the_end() {
    let bench = Bench::new(8, 2, 1);
    let busy = bench.occupy();
    let queued = bench.send([1, 2, 3], Call::default());
    bench.batcher.close();
    assert_eq!(bench.wait(bench.send([4], Call::default())), Err(BatchError::ShuttingDown));
    bench.pass.send(()).unwrap();
    bench.batcher.join();
    assert_eq!(bench.wait(queued), Ok(vec![1, 2, 3]));
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
}

const BACKGROUND: Call = Call { deadline: None, priority: Priority::Background };

#[test]
fn the_background_waits_for_live_images_and_shares_no_batch_with_them() {
    let bench = Bench::new(4, 8, 1);
    let busy = bench.occupy();
    let background = [bench.send([1, 2], BACKGROUND), bench.send([3, 4], BACKGROUND)];
    // Its line is full; the live one is not.
    let refused = bench.wait(bench.send([5], BACKGROUND));
    assert!(matches!(refused, Err(BatchError::Overloaded { .. })));
    let live = bench.send([11, 12, 13, 14], Call::default());
    bench.batcher.close();
    bench.pass.send(()).unwrap();
    assert_eq!(bench.wait(live), Ok(vec![11, 12, 13, 14]));
    assert_eq!(background.map(|task| bench.wait(task)), [Ok(vec![1, 2]), Ok(vec![3, 4])]);
    let batches = [vec![GATE], vec![11, 12, 13, 14], vec![1, 2, 3, 4]];
    assert_eq!(*bench.log.lock().unwrap(), batches);
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    assert_eq!(bench.outcome("rejected"), 0, "the background comes again");
}

#[test]
fn a_model_that_does_not_load_starts_nothing() {
    let factory: Factory = Arc::new(|| Err(InferenceError::Model("broken".to_owned())));
    let labels = Labels::new(vec!["a".to_owned(), "b".to_owned()]).unwrap();
    let options = BatchOptions {
        queue_images: 1,
        max_batch: 1,
        max_delay: Duration::ZERO,
        instances: 2,
        threads: 1,
    };
    let series = Metrics::new().model("m", &labels);
    let started = Batcher::start("m", &factory, options, Cores::new(2), series);
    assert_eq!(started.err(), Some(InferenceError::Model("broken".to_owned())));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever requests come together, and whichever are poisoned: each image is answered once, with
    /// its own answer, or failed with its own request, and counted once.
    #[test]
    fn nothing_is_lost_or_mixed_up(
        requests in prop::collection::vec(prop::collection::vec(0_u8..=POISON, 0..12), 1..12),
        max_batch in 1_usize..6,
        instances in 1_usize..4,
    ) {
        let bench = Bench::new(1024, max_batch, instances);
        let tasks: Vec<_> = requests.iter().map(|r| bench.send(r.iter().copied(), Call::default())).collect();
        for (request, task) in requests.iter().zip(tasks) {
            let answers = bench.wait(task);
            if request.contains(&POISON) {
                prop_assert!(matches!(answers, Err(BatchError::Failed(_))));
            } else {
                prop_assert_eq!(answers, Ok(request.clone()));
            }
        }
        bench.batcher.join();
        let outcomes = ["ok", "failed", "cancelled", "expired", "rejected"];
        let counted: usize = outcomes.iter().map(|outcome| bench.outcome(outcome)).sum();
        prop_assert_eq!(counted, requests.iter().map(Vec::len).sum::<usize>());
    }
}
