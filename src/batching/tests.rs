//! The batcher with a fake classifier whose prediction identifies the face.
//!
//! No test depends on timing: the fake stops at a gate if a test needs a busy worker.

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
fn results_keep_request_order_over_batches() {
    let bench = Bench::new(64, 4, 2);
    assert_eq!(
        bench.wait(bench.send(0..50, RequestOptions::default())),
        Ok((0..50).collect())
    );
    assert!(
        bench
            .log
            .lock()
            .unwrap()
            .iter()
            .all(|batch| batch.len() <= 4)
    );
    assert_eq!(
        bench.wait(bench.send([], RequestOptions::default())),
        Ok(vec![])
    );
}

#[test]
fn busy_worker_takes_oldest_images_next() {
    let bench = Bench::new(64, 3, 1);
    let busy = bench.occupy();
    let tasks = [
        bench.send([1, 2], RequestOptions::default()),
        bench.send([3, 4], RequestOptions::default()),
    ];
    bench.pass.send(()).unwrap();
    assert_eq!(
        tasks.map(|task| bench.wait(task)),
        [Ok(vec![1, 2]), Ok(vec![3, 4])]
    );
    assert_eq!(
        *bench.log.lock().unwrap(),
        [vec![GATE], vec![1, 2, 3], vec![4]]
    );
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
}

#[test]
fn queue_accepts_whole_requests_up_to_its_size() {
    let bench = Bench::new(4, 8, 1);
    let busy = bench.occupy();
    let three = bench.send([1, 2, 3], RequestOptions::default());
    let refused = bench.wait(bench.send([4, 5], RequestOptions::default()));
    assert!(
        matches!(refused, Err(BatchError::Overloaded { retry_after }) if retry_after >= Duration::from_secs(1))
    );
    let one = bench.send([6], RequestOptions::default());
    assert_eq!(bench.value("mien_queue_images{model=\"m\"} "), 4);
    assert!(bench.batcher.ensure_capacity(1).is_err());
    bench.pass.send(()).unwrap();
    assert_eq!(bench.wait(three), Ok(vec![1, 2, 3]));
    assert_eq!(bench.wait(one), Ok(vec![6]));
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    bench.batcher.join();
    assert_eq!(bench.value("mien_queue_images{model=\"m\"} "), 0);
    assert_eq!((bench.outcome("ok"), bench.outcome("rejected")), (5, 3));
}

#[test]
fn request_larger_than_queue_is_rejected() {
    let bench = Bench::new(4, 8, 1);
    let refused = bench.wait(bench.send(0..5, RequestOptions::default()));
    assert!(matches!(refused, Err(BatchError::Overloaded { .. })));
}

#[test]
fn cancelled_images_are_skipped_and_free_places() {
    let bench = Bench::new(2, 8, 1);
    let busy = bench.occupy();
    let cancelled = bench.send([1, 2], RequestOptions::default());
    cancelled.abort();
    assert!(bench.runtime.block_on(cancelled).is_err());
    let next = bench.send([3, 4], RequestOptions::default());
    bench.pass.send(()).unwrap();
    assert_eq!(bench.wait(next), Ok(vec![3, 4]));
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    bench.batcher.join();
    assert_eq!(*bench.log.lock().unwrap(), [vec![GATE], vec![3, 4]]);
    assert_eq!(bench.outcome("cancelled"), 2);
}

#[test]
fn expired_images_fail_without_running() {
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
fn image_dropped_after_deadline_reports_expiry() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let dropped = |deadline| {
        let (sender, result) = oneshot::channel();
        drop(sender);
        runtime
            .block_on(BatchResponse::collect(vec![result], deadline))
            .err()
    };
    assert_eq!(
        dropped(Some(Instant::now())),
        Some(BatchError::DeadlineExceeded)
    );
    let in_time = Instant::now() + Duration::from_secs(3600);
    assert!(matches!(
        dropped(Some(in_time)),
        Some(BatchError::Failed(_))
    ));
    assert!(matches!(dropped(None), Some(BatchError::Failed(_))));
}

#[test]
fn failing_image_fails_only_its_own_request() {
    let bench = Bench::new(8, 8, 1);
    let busy = bench.occupy();
    let tasks = [
        bench.send([1], RequestOptions::default()),
        bench.send([POISON], RequestOptions::default()),
        bench.send([2], RequestOptions::default()),
    ];
    bench.pass.send(()).unwrap();
    let [before, poisoned, after] = tasks.map(|task| bench.wait(task));
    assert_eq!((before, after), (Ok(vec![1]), Ok(vec![2])));
    assert!(matches!(poisoned, Err(BatchError::Failed(reason)) if reason.contains("poison")));
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    bench.batcher.join();
    assert_eq!((bench.outcome("ok"), bench.outcome("failed")), (3, 1));
    assert_eq!(
        bench.made.load(Ordering::SeqCst),
        1,
        "an error must not replace the classifier"
    );
}

#[test]
fn panicking_classifier_is_replaced() {
    let bench = Bench::new(8, 8, 1);
    let busy = bench.occupy();
    let tasks = [
        bench.send([1], RequestOptions::default()),
        bench.send([BOMB], RequestOptions::default()),
        bench.send([2], RequestOptions::default()),
    ];
    bench.pass.send(()).unwrap();
    let [before, bomb, after] = tasks.map(|task| bench.wait(task));
    assert_eq!((before, after), (Ok(vec![1]), Ok(vec![2])));
    assert!(matches!(bomb, Err(BatchError::Failed(_))));
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    // One panic in the batch and one alone need two new classifiers.
    assert_eq!(bench.made.load(Ordering::SeqCst), 3);
}

#[test]
fn last_worker_retries_classifier_for_next_batch() {
    let bench = Bench::new(8, 8, 1);
    bench.break_factory(true);
    assert!(
        bench
            .wait(bench.send([BOMB], RequestOptions::default()))
            .is_err()
    );
    assert!(
        bench
            .wait(bench.send([1], RequestOptions::default()))
            .is_err()
    );
    bench.break_factory(false);
    assert_eq!(
        bench.wait(bench.send([2], RequestOptions::default())),
        Ok(vec![2])
    );
    assert_eq!(bench.outcome("failed"), 2);
    assert_eq!(bench.value("mien_worker_panics_total{model=\"m\"} "), 1);
}

#[test]
fn unhealthy_worker_leaves_images_to_others() {
    let bench = Bench::new(8, 1, 2);
    bench.break_factory(true);
    assert!(
        bench
            .wait(bench.send([BOMB], RequestOptions::default()))
            .is_err()
    );
    for image in 0..50 {
        assert_eq!(
            bench.wait(bench.send([image], RequestOptions::default())),
            Ok(vec![image])
        );
    }
    bench.break_factory(false);
    // Both workers are healthy again if two images wait at the gate at once.
    let gates = [bench.occupy(), bench.occupy()];
    assert_eq!(bench.made.load(Ordering::SeqCst), 3);
    gates
        .each_ref()
        .iter()
        .for_each(|_| bench.pass.send(()).unwrap());
    for gate in gates {
        assert_eq!(bench.wait(gate), Ok(vec![GATE]));
    }
}

#[test]
fn invalid_output_does_not_rerun_batch() {
    let bench = Bench::new(8, 8, 1);
    let busy = bench.occupy();
    let [before, without, after] =
        [1, NAN, 2].map(|number| bench.send([number], RequestOptions::default()));
    bench.pass.send(()).unwrap();
    assert_eq!(
        (bench.wait(before), bench.wait(after)),
        (Ok(vec![1]), Ok(vec![2]))
    );
    assert!(matches!(
        bench.wait(without),
        Err(BatchError::InvalidOutput(_))
    ));
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    assert_eq!(*bench.log.lock().unwrap(), [vec![GATE], vec![1, NAN, 2]]);
}

#[test]
fn cancelled_images_are_not_retried_after_failure() {
    let bench = Bench::new(8, 8, 1);
    let busy = bench.occupy();
    let [held, failing, gone] =
        [GATE, POISON, 1].map(|number| bench.send([number], RequestOptions::default()));
    bench.pass.send(()).unwrap();
    bench.arrived();
    gone.abort();
    assert!(bench.runtime.block_on(gone).is_err());
    // The batch fails; then the first image comes to the gate again alone.
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
fn delayed_batch_is_not_split() {
    let hour = Duration::from_secs(3600);
    let options = BatchOptions {
        max_queue_size: 64,
        max_batch: 8,
        max_queue_delay: hour,
        instances: 2,
        intra_op_threads: 1,
    };
    for cores in [CpuBudget::new(2), CpuBudget::unlimited()] {
        let bench = Bench::with(options, cores);
        assert_eq!(
            bench.wait(bench.send(0..16, RequestOptions::default())),
            Ok((0..16).collect())
        );
        assert!(
            bench
                .log
                .lock()
                .unwrap()
                .iter()
                .all(|batch| batch.len() == 8)
        );
    }
}

#[test]
fn models_sharing_cores_take_turns() {
    let cores = CpuBudget::new(1);
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
    let waiting = [
        first.send([1], RequestOptions::default()),
        second.send([2], RequestOptions::default()),
    ];
    // The only core is held at the gate, so neither request runs although three workers are idle.
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
fn retried_request_counts_once_in_statistics() {
    let bench = Bench::new(2, 2, 1);
    let busy = bench.occupy();
    let full = bench.send([1, 2], RequestOptions::default());
    assert!(bench.batcher.ensure_capacity(1).is_err());
    assert!(
        bench
            .wait(bench.send([3], RequestOptions::default()))
            .is_err()
    );
    bench.pass.send(()).unwrap();
    assert!(bench.wait(full).is_ok() && bench.wait(busy).is_ok());
    let totals = bench.batcher.0.metrics.statistics().totals();
    assert_eq!(
        (totals.success.count, totals.fail.count, totals.images),
        (2, 2, 3)
    );
}

#[test]
fn closed_queue_still_processes_queued_images() {
    let bench = Bench::new(8, 2, 1);
    let busy = bench.occupy();
    let queued = bench.send([1, 2, 3], RequestOptions::default());
    bench.batcher.close();
    assert_eq!(
        bench.wait(bench.send([4], RequestOptions::default())),
        Err(BatchError::ShuttingDown)
    );
    bench.pass.send(()).unwrap();
    bench.batcher.join();
    assert_eq!(bench.wait(queued), Ok(vec![1, 2, 3]));
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
}

#[test]
fn dropped_batcher_hands_workers_to_reaper() {
    let bench = Bench::new(8, 2, 2);
    let reaper = RetiredWorkers::default();
    bench.batcher.set_reaper(&reaper);
    assert_eq!(
        bench.wait(bench.send([1, 2], RequestOptions::default())),
        Ok(vec![1, 2])
    );
    let Bench {
        batcher,
        log,
        runtime,
        ..
    } = bench;
    drop((runtime, batcher));
    reaper.join();
    assert_eq!(
        Arc::strong_count(&log),
        1,
        "the classifiers must be dropped"
    );
}

const BACKGROUND: RequestOptions = RequestOptions {
    deadline: None,
    priority: Priority::Background,
};

#[test]
fn background_images_run_after_live_in_own_batches() {
    let bench = Bench::new(4, 8, 1);
    let busy = bench.occupy();
    let background = [
        bench.send([1, 2], BACKGROUND),
        bench.send([3, 4], BACKGROUND),
    ];
    // The background queue is full; the live queue is not.
    let refused = bench.wait(bench.send([5], BACKGROUND));
    assert!(matches!(refused, Err(BatchError::Overloaded { .. })));
    let live = bench.send([11, 12, 13, 14], RequestOptions::default());
    bench.batcher.close();
    bench.pass.send(()).unwrap();
    assert_eq!(bench.wait(live), Ok(vec![11, 12, 13, 14]));
    assert_eq!(
        background.map(|task| bench.wait(task)),
        [Ok(vec![1, 2]), Ok(vec![3, 4])]
    );
    let batches = [vec![GATE], vec![11, 12, 13, 14], vec![1, 2, 3, 4]];
    assert_eq!(*bench.log.lock().unwrap(), batches);
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    assert_eq!(
        bench.outcome("rejected"),
        1,
        "the rejected image is not retried"
    );
}

#[test]
fn failing_factory_starts_no_workers() {
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
    let started = Batcher::start("m", &factory, options, CpuBudget::new(2), series);
    assert_eq!(
        started.err(),
        Some(InferenceError::Model("broken".to_owned()))
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// For any mix of requests with failing images, each image gets its own result once or fails with its own request, and
    /// is counted once.
    #[test]
    fn every_image_gets_its_own_result_once(
        requests in prop::collection::vec(prop::collection::vec(0_u8..=POISON, 0..12), 1..12),
        max_batch in 1_usize..6,
        instances in 1_usize..4,
    ) {
        let bench = Bench::new(1024, max_batch, instances);
        let tasks: Vec<_> = requests.iter().map(|r| bench.send(r.iter().copied(), RequestOptions::default())).collect();
        for (request, task) in requests.iter().zip(tasks) {
            let answers = bench.wait(task);
            if request.contains(&POISON) || request.contains(&NAN) {
                prop_assert!(matches!(answers, Err(BatchError::Failed(_) | BatchError::InvalidOutput(_))));
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
