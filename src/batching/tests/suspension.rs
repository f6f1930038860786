//! Models whose inference calls exceed their time limit.

use std::sync::{Arc, Mutex};

use super::{
    super::*,
    fixture::{Bench, ENDLESS, GATE},
};

const REASON: &str = "out of service after 3 time-outs in a row: too slow";

fn time_out(bench: &Bench) {
    let result = bench.wait(bench.send([ENDLESS], RequestOptions::default()));
    assert_eq!(
        result,
        Err(BatchError::InferenceTimeout("too slow".to_owned()))
    );
}

#[test]
fn timeout_fails_whole_batch_without_retry() {
    let bench = Bench::new(8, 8, 1);
    let busy = bench.occupy();
    let tasks = [1, ENDLESS].map(|number| bench.send([number], RequestOptions::default()));
    bench.pass.send(()).unwrap();
    for task in tasks {
        assert!(matches!(
            bench.wait(task),
            Err(BatchError::InferenceTimeout(_))
        ));
    }
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    assert_eq!(*bench.log.lock().unwrap(), [vec![GATE], vec![1, ENDLESS]]);
    assert_eq!(bench.outcome("failed"), 2);
    let timeouts = bench.value("mien_inference_timeouts_total{model=\"m\",version=\"1\"} ");
    assert_eq!(timeouts, 1);
}

#[test]
fn third_timeout_in_a_row_takes_model_out_of_service() {
    let bench = Bench::new(8, 1, 1);
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let handler = Arc::clone(&reasons);
    bench
        .batcher
        .on_suspension(move |reason| handler.lock().unwrap().push(reason.to_owned()));
    time_out(&bench);
    time_out(&bench);
    assert_eq!(bench.batcher.suspension(), None);

    let busy = bench.occupy();
    let last = bench.send([ENDLESS], RequestOptions::default());
    let queued = bench.send([1], RequestOptions::default());
    bench.pass.send(()).unwrap();
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    assert!(bench.wait(last).is_err());
    // The image at the gate was classified in time, so two more calls must exceed the limit.
    assert_eq!(bench.wait(queued), Ok(vec![1]));
    let busy = bench.occupy();
    let last: Vec<_> = (0..3)
        .map(|_| bench.send([ENDLESS], RequestOptions::default()))
        .collect();
    let queued = bench.send([1], RequestOptions::default());
    bench.pass.send(()).unwrap();
    assert_eq!(bench.wait(busy), Ok(vec![GATE]));
    for task in last {
        assert!(bench.wait(task).is_err());
    }
    let error = bench.wait(queued).unwrap_err();
    assert!(matches!(&error, BatchError::InferenceTimeout(reason) if reason.starts_with(REASON)));

    let rejected = bench.wait(bench.send([1], RequestOptions::default()));
    assert!(matches!(rejected, Err(BatchError::OutOfService(_))));
    assert!(matches!(
        bench.batcher.ensure_capacity(1),
        Err(BatchError::OutOfService(_))
    ));
    bench.batcher.join();
    let reasons = reasons.lock().unwrap();
    assert!(
        reasons.len() == 1 && reasons[0].starts_with(REASON),
        "{reasons:?}"
    );
    assert_eq!((bench.outcome("rejected"), bench.outcome("failed")), (2, 7));
}
