//! The pairs of predictions that a comparison counts.

use serde::{Deserialize, Serialize};

use super::paired_difference;

/// Numbers of images by whether a and b predict the correct class: the table of McNemar's test.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pairs {
    /// Both are correct.
    pub both_correct: u64,
    /// Only a is correct.
    pub only_a_correct: u64,
    /// Only b is correct.
    pub only_b_correct: u64,
    /// Neither is correct.
    pub both_incorrect: u64,
}

impl Pairs {
    /// Adds an image.
    pub(super) fn add(&mut self, a_is_correct: bool, b_is_correct: bool) {
        *match (a_is_correct, b_is_correct) {
            (true, true) => &mut self.both_correct,
            (true, false) => &mut self.only_a_correct,
            (false, true) => &mut self.only_b_correct,
            (false, false) => &mut self.both_incorrect,
        } += 1;
    }

    /// Returns the number of images.
    pub(super) fn images(&self) -> u64 {
        self.both_correct + self.only_a_correct + self.only_b_correct + self.both_incorrect
    }

    /// Returns the accuracy of b minus that of a, or `None` without images.
    pub(super) fn difference(&self) -> Option<f64> {
        let difference = self.only_b_correct as f64 - self.only_a_correct as f64;
        (self.images() > 0).then(|| difference / self.images() as f64)
    }

    /// Returns the 95 % interval of the difference, or `None` without images.
    pub(super) fn difference_interval(&self) -> Option<[f64; 2]> {
        paired_difference(
            self.both_correct,
            self.only_a_correct,
            self.only_b_correct,
            self.both_incorrect,
        )
    }
}
