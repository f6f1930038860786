//! The workers and the queue of a version.

use prometheus::IntGauge;

/// Workers and places of a queue that are counted until the value is dropped. While sessions are replaced, both sets count.
pub struct Capacity {
    workers: (IntGauge, i64),
    queue: (IntGauge, i64),
}

impl Capacity {
    pub(super) fn new(workers: (&IntGauge, usize), queue: (&IntGauge, usize)) -> Self {
        let add = |(gauge, count): (&IntGauge, usize)| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            gauge.add(count);
            (gauge.clone(), count)
        };
        Self {
            workers: add(workers),
            queue: add(queue),
        }
    }
}

impl Drop for Capacity {
    fn drop(&mut self) {
        for (gauge, count) in [&self.workers, &self.queue] {
            gauge.sub(*count);
        }
    }
}
