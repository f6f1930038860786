//! What each place of a face is worth to a label.

/// A weight for each pixel of a face: the probability that is lost when the face is covered there, so -1 to 1. Above zero
/// it speaks for the label, below zero against it.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    side: usize,
    weights: Vec<f32>,
}

impl Map {
    /// A map of `side * side` weights, row by row from the top left.
    pub(super) fn new(side: usize, weights: Vec<f32>) -> Self {
        Self { side, weights }
    }

    /// Rows and columns.
    pub fn side(&self) -> usize {
        self.side
    }

    /// The weights, row by row from the top left.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The weight of a pixel.
    #[cfg(test)]
    pub(super) fn at(&self, row: usize, column: usize) -> f32 {
        self.weights[row * self.side + column]
    }

    /// The largest weight on either side of zero.
    pub(super) fn extent(&self) -> f32 {
        self.weights.iter().fold(0.0, |most, weight| most.max(weight.abs()))
    }
}
