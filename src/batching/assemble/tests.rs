use tokio::sync::oneshot;

use super::{super::*, *};
use crate::{
    inference::{Classifier, Input, Labels},
    metrics::Metrics,
};

#[test]
fn fair_share_leaves_images_for_idle_workers() {
    assert_eq!(fair_share(8, 0, 32), 8);
    assert_eq!(fair_share(8, 1, 32), 4);
    assert_eq!(fair_share(9, 1, 32), 5);
    assert_eq!(fair_share(1, 3, 32), 1);
    assert_eq!(fair_share(64, 1, 8), 8);
    assert_eq!(fair_share(3, usize::MAX, 8), 1);
}

#[test]
fn background_batches_stay_small_after_live_images() {
    let labels = Labels::new(vec!["a".to_owned(), "b".to_owned()]).unwrap();
    let max_queue_delay = Duration::ZERO;
    let options = BatchOptions {
        max_queue_size: 8,
        max_batch: 8,
        max_queue_delay,
        instances: 2,
        intra_op_threads: 1,
    };
    let queue: Queue<dyn Classifier> = Queue::new(
        options,
        CpuBudget::new(2),
        Metrics::new().model("m", "1", &labels),
    );
    let (sender, _receiver) = oneshot::channel();
    let input = Input::Tensor(Box::default());
    let job = Job {
        input,
        enqueued: Instant::now(),
        responder: Responder {
            priority: Priority::Background,
            sender,
            deadline: None,
        },
    };
    let mut state = State::default();
    assert!(matches!(queue.next_work(&state), NextWork::Wait(None)));
    state.background.push_back(job);
    assert!(matches!(queue.next_work(&state), NextWork::Background(8)));
    // This arrival stays in the future while the test runs.
    state.last_live = Some(Instant::now() + Duration::from_secs(3600));
    assert!(matches!(queue.next_work(&state), NextWork::Background(1)));
    state.background_runs = 1;
    assert!(matches!(queue.next_work(&state), NextWork::Wait(Some(_))));
    state.closed = true;
    assert!(matches!(queue.next_work(&state), NextWork::Background(8)));
}
