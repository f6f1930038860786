//! The end of a batcher.

use std::sync::Arc;

use super::{
    super::*,
    fixture::{Bench, GATE},
};

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
