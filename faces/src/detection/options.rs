//! Settings of a detection.

/// Which of the detector's candidates are faces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectionOptions {
    /// Minimum score, 0 to 1.
    pub min_score: f32,
    /// Minimum size of a face in pixels of the photo, compared with [`BoundingBox::size`](crate::image::BoundingBox::size).
    pub min_size: f32,
    /// Maximum number of faces. If a photo has more, the largest ones are returned.
    pub max_faces: usize,
}

impl Default for DetectionOptions {
    /// A score of 0.7, 10 pixels and 100 faces.
    fn default() -> Self {
        Self {
            min_score: 0.7,
            min_size: 10.0,
            max_faces: 100,
        }
    }
}
