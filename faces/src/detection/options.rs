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
    /// A score of 0.5, 10 pixels and 100 faces.
    ///
    /// The score was chosen with 4,000 training faces of FER2013, enlarged four times on gray photos, and with 175 photos and parts of
    /// photos without faces:
    ///
    /// | score | faces found | detections in photos without faces |
    /// |---|---|---|
    /// | 0.7 | 95.5 % | 1 |
    /// | 0.6 | 96.5 % | 5 |
    /// | 0.5 | 97.3 % | 13 |
    /// | 0.4 | 97.8 % | 19 |
    fn default() -> Self {
        Self {
            min_score: 0.5,
            min_size: 10.0,
            max_faces: 100,
        }
    }
}
