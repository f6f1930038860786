//! The saliency map of a label.

/// A weight per pixel: the decrease of the label's probability if the face is occluded there, from -1 to 1. Positive weights
/// support the label, negative weights contradict it.
#[derive(Debug, Clone, PartialEq)]
pub struct SaliencyMap {
    side: usize,
    weights: Vec<f32>,
}

impl SaliencyMap {
    /// Creates a map of `side * side` weights, row by row from the top left.
    pub(super) fn new(side: usize, weights: Vec<f32>) -> Self {
        Self { side, weights }
    }

    /// Number of rows and columns.
    pub fn side(&self) -> usize {
        self.side
    }

    /// The weights, row by row from the top left.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Returns the weight of a pixel.
    #[cfg(test)]
    pub(super) fn at(&self, row: usize, column: usize) -> f32 {
        self.weights[row * self.side + column]
    }

    /// Returns the largest absolute weight.
    pub(super) fn max_abs(&self) -> f32 {
        self.weights
            .iter()
            .fold(0.0, |most, weight| most.max(weight.abs()))
    }
}
