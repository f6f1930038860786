//! Failing and panicking classifiers.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    super::*,
    fixture::{BOMB, Bench, GATE, NAN, POISON},
};
use crate::{inference::Labels, metrics::Metrics};

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
    assert_eq!(
        bench.value("mien_worker_panics_total{model=\"m\",version=\"1\"} "),
        1
    );
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
    let series = Metrics::new().model("m", "1", &labels);
    let started = Batcher::start("m", &factory, options, CpuBudget::new(2), series);
    assert_eq!(
        started.err(),
        Some(InferenceError::Model("broken".to_owned()))
    );
}
