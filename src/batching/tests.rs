//! The batcher with a fake classifier: what a face gets back tells which face it was.
//!
//! Nothing here depends on how fast anything is: the fake stops at a gate where a test needs to know
//! that a worker is busy.

mod fixture;

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use proptest::prelude::*;

use self::fixture::{BOMB, Bench, GATE, NAN, POISON, until};
use super::*;
use crate::{inference::Labels, metrics::Metrics};

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
fn an_image_that_the_queue_dropped_late_has_expired() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let dropped = |deadline| {
        let (sender, delivery) = oneshot::channel();
        drop(sender);
        runtime.block_on(Answers::collect(vec![delivery], deadline)).err()
    };
    assert_eq!(dropped(Some(Instant::now())), Some(BatchError::DeadlineExceeded));
    let in_time = Instant::now() + Duration::from_secs(3600);
    assert!(matches!(dropped(Some(in_time)), Some(BatchError::Failed(_))));
    assert!(matches!(dropped(None), Some(BatchError::Failed(_))));
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
fn a_worker_that_gets_no_new_classifier_tries_again_for_the_next_batch() {
    let bench = Bench::new(8, 8, 1);
    bench.break_factory(true);
    assert!(bench.wait(bench.send([BOMB], Call::default())).is_err());
    assert!(bench.wait(bench.send([1], Call::default())).is_err());
    bench.break_factory(false);
    assert_eq!(bench.wait(bench.send([2], Call::default())), Ok(vec![2]));
    assert_eq!(bench.outcome("failed"), 2);
    assert_eq!(bench.value("mien_worker_panics_total{model=\"m\"} "), 1);
}

#[test]
fn a_worker_that_gets_no_new_classifier_leaves_the_images_to_the_others() {
    let bench = Bench::new(8, 1, 2);
    bench.break_factory(true);
    assert!(bench.wait(bench.send([BOMB], Call::default())).is_err());
    for image in 0..50 {
        assert_eq!(bench.wait(bench.send([image], Call::default())), Ok(vec![image]));
    }
    bench.break_factory(false);
    // Both are back when two can wait at the gate at a time.
    let gates = [bench.occupy(), bench.occupy()];
    assert_eq!(bench.made.load(Ordering::SeqCst), 3);
    gates.each_ref().iter().for_each(|_| bench.pass.send(()).unwrap());
    for gate in gates {
        assert_eq!(bench.wait(gate), Ok(vec![GATE]));
    }
}

#[test]
fn an_image_without_an_answer_costs_the_others_nothing() {
    let bench = Bench::new(8, 8, 1);
    let busy = bench.occupy();
    let [before, without, after] = [1, NAN, 2].map(|number| bench.send([number], Call::default()));
    bench.pass.send(()).unwrap();
    assert_eq!((bench.wait(before), bench.wait(after)), (Ok(vec![1]), Ok(vec![2])));
    assert!(matches!(bench.wait(without), Err(BatchError::Unfit(_))));
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    assert_eq!(*bench.log.lock().unwrap(), [vec![GATE], vec![1, NAN, 2]]);
}

#[test]
fn images_nobody_waits_for_are_not_tried_again_after_a_failure() {
    let bench = Bench::new(8, 8, 1);
    let busy = bench.occupy();
    let [held, failing, gone] =
        [GATE, POISON, 1].map(|number| bench.send([number], Call::default()));
    bench.pass.send(()).unwrap();
    bench.arrived();
    gone.abort();
    assert!(bench.runtime.block_on(gone).is_err());
    // The batch fails; then the first one alone comes to the gate again.
    (0..2).for_each(|_| bench.pass.send(()).unwrap());
    assert_eq!(bench.wait(held), Ok(vec![GATE]));
    assert!(bench.wait(failing).is_err());
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    bench.batcher.join();
    let batches = [vec![GATE], vec![GATE, POISON, 1], vec![GATE], vec![POISON]];
    assert_eq!(*bench.log.lock().unwrap(), batches);
    assert_eq!(bench.outcome("cancelled"), 1);
}

#[test]
fn a_batch_that_was_waited_for_is_not_split_up() {
    let hour = Duration::from_secs(3600);
    let options = BatchOptions {
        max_queue_size: 64,
        max_batch: 8,
        max_queue_delay: hour,
        instances: 2,
        intra_op_threads: 1,
    };
    for cores in [Cores::new(2), Cores::unlimited()] {
        let bench = Bench::with(options, cores);
        assert_eq!(bench.wait(bench.send(0..16, Call::default())), Ok((0..16).collect()));
        assert!(bench.log.lock().unwrap().iter().all(|batch| batch.len() == 8));
    }
}

#[test]
fn models_that_share_cores_take_turns() {
    let cores = Cores::new(1);
    let bench = || {
        let (max_queue_delay, instances, intra_op_threads) = (Duration::ZERO, 2, 1);
        let options = BatchOptions {
            max_queue_size: 8,
            max_batch: 1,
            max_queue_delay,
            instances,
            intra_op_threads,
        };
        Bench::with(options, cores.clone())
    };
    let (first, second) = (bench(), bench());
    let busy = first.occupy();
    let waiting = [first.send([1], Call::default()), second.send([2], Call::default())];
    // The only core is held at the gate: neither runs, though three workers are idle.
    for _ in 0..100 {
        std::thread::yield_now();
        assert!(second.log.lock().unwrap().is_empty());
        assert_eq!(*first.log.lock().unwrap(), [vec![GATE]]);
    }
    first.pass.send(()).unwrap();
    let answers = waiting.map(|task| first.wait(task));
    assert_eq!(answers, [Ok(vec![1]), Ok(vec![2])]);
    assert_eq!(first.wait(busy), Ok(vec![GATE]));
}

#[test]
fn a_request_counts_once_in_the_statistics_however_often_it_tries() {
    let bench = Bench::new(2, 2, 1);
    let busy = bench.occupy();
    let full = bench.send([1, 2], Call::default());
    assert!(bench.batcher.check_room(1).is_err());
    assert!(bench.wait(bench.send([3], Call::default())).is_err());
    bench.pass.send(()).unwrap();
    assert!(bench.wait(full).is_ok() && bench.wait(busy).is_ok());
    let totals = bench.batcher.0.metrics.statistics().totals();
    assert_eq!((totals.success.count, totals.fail.count, totals.images), (2, 2, 3));
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

#[test]
fn workers_of_a_batcher_that_is_gone_are_waited_for() {
    let bench = Bench::new(8, 2, 2);
    let leaving = Leaving::default();
    bench.batcher.leave_to(&leaving);
    assert_eq!(bench.wait(bench.send([1, 2], Call::default())), Ok(vec![1, 2]));
    let Bench { batcher, log, runtime, .. } = bench;
    drop((runtime, batcher));
    leaving.join();
    assert_eq!(Arc::strong_count(&log), 1, "their classifiers are closed");
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
    assert_eq!(bench.outcome("rejected"), 1, "nobody brings it again");
}

#[test]
fn a_model_that_does_not_load_starts_nothing() {
    let factory: Factory = Arc::new(|| Err(InferenceError::Model("broken".to_owned())));
    let labels = Labels::new(vec!["a".to_owned(), "b".to_owned()]).unwrap();
    let options = BatchOptions {
        max_queue_size: 1,
        max_batch: 1,
        max_queue_delay: Duration::ZERO,
        instances: 2,
        intra_op_threads: 1,
    };
    let series = Metrics::new().model("m", &labels);
    let started = Batcher::start("m", &factory, options, Cores::new(2), series);
    assert_eq!(started.err(), Some(InferenceError::Model("broken".to_owned())));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever requests come together, and whichever are poisoned or get no answer: each image is answered once, with
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
            if request.contains(&POISON) || request.contains(&NAN) {
                prop_assert!(matches!(answers, Err(BatchError::Failed(_) | BatchError::Unfit(_))));
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
