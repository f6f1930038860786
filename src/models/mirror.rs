//! Copies a share of the images that clients send to a version, so that a shadow can classify them with another version.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::sync::mpsc::{Sender, error::TrySendError};

use crate::{
    batching::BatchResponse,
    inference::Input,
    metrics::{ShadowMetrics, ShadowOutcome},
};

/// The images of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageSource {
    /// Images that a client sends one by one or together.
    Images,
    /// Frames of a video. They are not copied, because consecutive frames show the same face.
    Video,
}

/// A copied image and the result of the serving version.
pub struct MirroredImage {
    /// The input.
    pub input: Input,
    /// Index of the predicted label.
    pub class: usize,
    /// Probability of the predicted label.
    pub confidence: f32,
    /// Inference time per image of the request.
    pub inference: Duration,
}

/// Copies images into a bounded queue. An image is dropped if the queue is full, so a request never waits.
pub struct Mirror {
    sampler: Sampler,
    /// Whether tensors of clients are copied too.
    copies_tensors: bool,
    queue: Sender<MirroredImage>,
    dropped: AtomicU64,
    metrics: Arc<ShadowMetrics>,
}

/// The mirror of a loaded version; usually empty.
#[derive(Default)]
pub struct MirrorSlot(ArcSwapOption<Mirror>);

/// The copies of the images of one request.
pub(super) struct Copies {
    mirror: Arc<Mirror>,
    /// The images with their positions in the request.
    images: Vec<(usize, Input)>,
}

impl Mirror {
    /// Copies a share of the images, greater than 0 and at most 1, into `queue`.
    pub fn new(
        share: f64,
        copies_tensors: bool,
        queue: Sender<MirroredImage>,
        metrics: Arc<ShadowMetrics>,
    ) -> Self {
        Self {
            sampler: Sampler::new(share),
            copies_tensors,
            queue,
            dropped: AtomicU64::new(0),
            metrics,
        }
    }

    /// Returns the number of images that were dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn copy(&self, inputs: &[Input]) -> Vec<(usize, Input)> {
        let mut images = Vec::new();
        // Other requests can fill the queue before these copies are queued, so this is only an upper limit.
        let capacity = self.queue.capacity();
        for (index, input) in inputs.iter().enumerate() {
            let is_copied = match input {
                Input::Face(_) => true,
                Input::Tensor(_) => self.copies_tensors,
            };
            if !is_copied || !self.sampler.selects_next() {
                continue;
            }
            if images.len() >= capacity {
                self.count_dropped();
            } else {
                images.push((index, input.clone()));
            }
        }
        images
    }

    fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.metrics.count(ShadowOutcome::Dropped);
    }
}

impl MirrorSlot {
    /// Copies the images of further requests.
    pub fn attach(&self, mirror: &Arc<Mirror>) {
        self.0.store(Some(Arc::clone(mirror)));
    }

    /// Stops copying, unless another mirror was attached.
    pub fn detach(&self, mirror: &Arc<Mirror>) {
        let current = self.0.load_full();
        if current.is_some_and(|current| Arc::ptr_eq(&current, mirror)) {
            self.0.store(None);
        }
    }

    /// Copies the selected images of a request. Without a mirror or a selected image, this neither allocates nor locks.
    pub(super) fn copy(&self, inputs: &[Input], source: ImageSource) -> Option<Copies> {
        let mirror = self.0.load();
        let mirror = mirror.as_ref()?;
        if source == ImageSource::Video {
            return None;
        }
        let images = mirror.copy(inputs);
        (!images.is_empty()).then(|| Copies {
            mirror: Arc::clone(mirror),
            images,
        })
    }
}

impl Copies {
    /// Queues the copies with the results of the request.
    pub(super) fn queue(self, response: &BatchResponse) {
        for (index, input) in self.images {
            let Some(prediction) = response.rows.get(index) else {
                return;
            };
            let (class, confidence) = prediction.probabilities.top();
            let image = MirroredImage {
                input,
                class,
                confidence,
                inference: response.inference_per_image,
            };
            match self.mirror.queue.try_send(image) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => self.mirror.count_dropped(),
                // The shadow has just ended.
                Err(TrySendError::Closed(_)) => return,
            }
        }
    }
}

/// Selects a share of a sequence of images by their positions, so that clients do not affect the selection. The selected positions
/// are not periodic, so they cannot align with a period of the traffic (Weyl, "Über die Gleichverteilung von Zahlen mod. Eins", 1916).
struct Sampler {
    position: AtomicU64,
    /// Largest selected value.
    threshold: u64,
}

impl Sampler {
    /// The fractional part of the golden ratio as a fraction of 2^64. Its multiples are distributed most evenly.
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

    fn new(share: f64) -> Self {
        Self {
            position: AtomicU64::new(0),
            threshold: (share * u64::MAX as f64) as u64,
        }
    }

    fn selects_next(&self) -> bool {
        let position = self.position.fetch_add(1, Ordering::Relaxed);
        position.wrapping_mul(Self::STEP) <= self.threshold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the number of selected positions among every `period`-th of the first `count` ones.
    fn selected(share: f64, count: usize, period: usize) -> usize {
        let sampler = Sampler::new(share);
        let mut selected = 0;
        for position in 0..count {
            if sampler.selects_next() && position % period == 0 {
                selected += 1;
            }
        }
        selected
    }

    #[test]
    fn sampler_selects_share_of_every_period() {
        for share in [0.01, 0.1, 0.25, 0.5, 0.9] {
            for period in [1, 2, 7, 10, 64] {
                let count = 1_000 * period;
                let found = selected(share, count, period) as f64;
                assert!(
                    (found - share * 1_000.0).abs() <= 10.0,
                    "{share} {period} {found}"
                );
            }
        }
    }

    #[test]
    fn share_of_one_selects_every_image() {
        assert_eq!(selected(1.0, 1_000, 1), 1_000);
    }
}
