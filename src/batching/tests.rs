//! The batcher with a fake classifier whose prediction identifies the face.
//!
//! No test depends on timing: the fake stops at a gate if a test needs a busy worker.

mod dropped;
mod failures;
mod fixture;
mod shutdown;
mod start;
mod suspension;

use std::time::Duration;

use proptest::prelude::*;

use self::fixture::{Bench, GATE, NAN, POISON};
use super::*;

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
    assert_eq!(
        bench.value("mien_queue_images{model=\"m\",priority=\"live\"} "),
        4
    );
    assert!(bench.batcher.ensure_capacity(1).is_err());
    bench.pass.send(()).unwrap();
    assert_eq!(bench.wait(three), Ok(vec![1, 2, 3]));
    assert_eq!(bench.wait(one), Ok(vec![6]));
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    bench.batcher.join();
    assert_eq!(
        bench.value("mien_queue_images{model=\"m\",priority=\"live\"} "),
        0
    );
    assert_eq!((bench.outcome("ok"), bench.outcome("rejected")), (5, 3));
}

#[test]
fn request_larger_than_queue_is_rejected() {
    let bench = Bench::new(4, 8, 1);
    let refused = bench.wait(bench.send(0..5, RequestOptions::default()));
    assert!(matches!(refused, Err(BatchError::Overloaded { .. })));
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
fn limit_applies_to_further_batches() {
    let bench = Bench::new(64, 8, 1);
    let run = |limit| {
        bench.log.lock().unwrap().clear();
        bench.batcher.limit_batches(limit);
        bench
            .wait(bench.send(0..24, RequestOptions::default()))
            .unwrap();
        let log = bench.log.lock().unwrap();
        log.iter().map(Vec::len).max()
    };
    assert_eq!(run(3), Some(3));
    assert_eq!(run(0), Some(1));
    assert_eq!(run(100), Some(8), "at most the maximum of the options");
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
    let results = waiting.map(|task| first.wait(task));
    assert_eq!(results, [Ok(vec![1]), Ok(vec![2])]);
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
            let result = bench.wait(task);
            if request.contains(&POISON) || request.contains(&NAN) {
                prop_assert!(matches!(result, Err(BatchError::Failed(_) | BatchError::InvalidOutput(_))));
            } else {
                prop_assert_eq!(result, Ok(request.clone()));
            }
        }
        bench.batcher.join();
        let outcomes = ["ok", "failed", "cancelled", "expired", "rejected"];
        let counted: usize = outcomes.iter().map(|outcome| bench.outcome(outcome)).sum();
        prop_assert_eq!(counted, requests.iter().map(Vec::len).sum::<usize>());
    }
}
