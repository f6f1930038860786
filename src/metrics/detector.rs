//! The metrics of the face detector.

use prometheus::Histogram;

use super::ModelMetrics;

/// The metrics of the face detector.
#[derive(Clone)]
pub struct DetectorMetrics {
    /// Queue, batches and images.
    pub model: ModelMetrics,
    /// Number of faces per photo.
    pub(super) faces: Histogram,
}

impl DetectorMetrics {
    /// Records the number of faces that were found in a photo.
    pub fn record_faces(&self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.faces.observe(f64::from(count));
    }
}
