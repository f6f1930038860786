//! Cancelled and expired images.

use std::time::{Duration, Instant};

use super::{
    super::*,
    fixture::{Bench, GATE, until},
};
use crate::inference::Prediction;

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
            .block_on(BatchResponse::<Prediction>::collect(vec![result], deadline))
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
