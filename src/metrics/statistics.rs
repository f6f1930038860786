//! One version's running totals, as the inference protocol v2 tells them. A few relaxed additions a request, and one
//! uncontended lock a batch.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

/// How often something happened and how long it took in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// How often.
    pub count: u64,
    /// How long, in nanoseconds.
    pub nanos: u64,
}

/// What [`Statistics`] hold at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// When the last request came, in milliseconds since 1970; 0 before the first.
    pub last_inference: u64,
    /// Images that were classified.
    pub images: u64,
    /// Requests that were answered, from their place in the queue to their answers.
    pub success: Total,
    /// Requests that failed there.
    pub fail: Total,
    /// The answered requests' time in the queue.
    pub queue: Total,
    /// The answered requests' runs of the model.
    pub inference: Total,
    /// Making images of what requests sent, decoding included.
    pub input: Total,
    /// Making the tensors of responses.
    pub output: Total,
    /// Runs of the model, by how many images they had.
    pub batches: BTreeMap<usize, Total>,
}

#[derive(Default)]
struct Counter {
    count: AtomicU64,
    nanos: AtomicU64,
}

impl Counter {
    fn add(&self, took: Duration) {
        self.count.fetch_add(1, Relaxed);
        self.nanos.fetch_add(nanos(took), Relaxed);
    }

    fn total(&self) -> Total {
        Total { count: self.count.load(Relaxed), nanos: self.nanos.load(Relaxed) }
    }
}

/// The running totals of one version, from its loading on.
#[derive(Default)]
pub struct Statistics {
    last_inference: AtomicU64,
    images: AtomicU64,
    success: Counter,
    fail: Counter,
    queue: Counter,
    inference: Counter,
    input: Counter,
    output: Counter,
    batches: Mutex<BTreeMap<usize, Total>>,
}

impl Statistics {
    /// Notes a request that was answered: its images, how long it took in all, and of that in the queue and in runs.
    pub fn answered(&self, images: usize, took: Duration, queue: Duration, inference: Duration) {
        self.images.fetch_add(u64::try_from(images).unwrap_or(u64::MAX), Relaxed);
        self.success.add(took);
        self.queue.add(queue);
        self.inference.add(inference);
        self.touch();
    }

    /// Notes a request that failed.
    pub fn failed(&self, took: Duration) {
        self.fail.add(took);
        self.touch();
    }

    /// Notes how long it took to make images of a request and tensors of its answers.
    pub fn converted(&self, input: Duration, output: Duration) {
        self.input.add(input);
        self.output.add(output);
    }

    /// Notes a run of the model that gave answers.
    pub fn executed(&self, images: usize, took: Duration) {
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        let total = batches.entry(images).or_default();
        total.count += 1;
        total.nanos = total.nanos.saturating_add(nanos(took));
    }

    /// The totals now.
    pub fn totals(&self) -> Totals {
        Totals {
            last_inference: self.last_inference.load(Relaxed),
            images: self.images.load(Relaxed),
            success: self.success.total(),
            fail: self.fail.total(),
            queue: self.queue.total(),
            inference: self.inference.total(),
            input: self.input.total(),
            output: self.output.total(),
            batches: self.batches.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    fn touch(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.last_inference.store(u64::try_from(now.as_millis()).unwrap_or(u64::MAX), Relaxed);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
