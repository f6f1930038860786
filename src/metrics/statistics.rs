//! Statistics of one version for the Open Inference Protocol v2. They cost a few relaxed additions per request and one
//! uncontended lock per batch.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use mien_host::sync::lock;

/// A count and a total duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// Count.
    pub count: u64,
    /// Total duration in nanoseconds.
    pub nanos: u64,
}

/// A snapshot of [`Statistics`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// Time of the last request in milliseconds since 1970; 0 before the first.
    pub last_inference: u64,
    /// Number of classified images.
    pub images: u64,
    /// Successful requests, from queueing to response.
    pub success: Total,
    /// Failed requests.
    pub fail: Total,
    /// Queue time of successful requests.
    pub queue: Total,
    /// Inference time of successful requests.
    pub inference: Total,
    /// Time of converting and decoding inputs.
    pub input: Total,
    /// Time of creating output tensors.
    pub output: Total,
    /// Inference calls by batch size.
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
        Total {
            count: self.count.load(Relaxed),
            nanos: self.nanos.load(Relaxed),
        }
    }
}

/// Statistics of one version since it was loaded.
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
    /// Records a successful request: images, total duration, queue time and inference time.
    pub fn record_success(
        &self,
        images: usize,
        took: Duration,
        queue: Duration,
        inference: Duration,
    ) {
        self.images
            .fetch_add(u64::try_from(images).unwrap_or(u64::MAX), Relaxed);
        self.success.add(took);
        self.queue.add(queue);
        self.inference.add(inference);
        self.touch();
    }

    /// Records a failed request.
    pub fn record_failure(&self, took: Duration) {
        self.fail.add(took);
        self.touch();
    }

    /// Records the conversion times of a request.
    pub fn record_conversion(&self, input: Duration, output: Duration) {
        self.input.add(input);
        self.output.add(output);
    }

    /// Records a successful inference call.
    pub fn record_batch(&self, images: usize, took: Duration) {
        let mut batches = lock(&self.batches);
        let total = batches.entry(images).or_default();
        total.count += 1;
        total.nanos = total.nanos.saturating_add(nanos(took));
    }

    /// Returns a snapshot.
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
            batches: lock(&self.batches).clone(),
        }
    }

    fn touch(&self) {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        self.last_inference
            .store(u64::try_from(now.as_millis()).unwrap_or(u64::MAX), Relaxed);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
