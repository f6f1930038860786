//! Calibration: whether 80 of 100 predictions with a confidence of 80 % are correct.

use serde::{Deserialize, Serialize};

use super::ratio;

/// Number of bins of equal width between confidence 0 and 1.
const BINS: usize = 15;

/// The values of a reliability diagram: accuracy by confidence.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Calibration {
    /// 15 bins of equal width, from confidence 0 to 1.
    pub bins: Vec<CalibrationBin>,
}

/// The images whose confidence, the probability of the predicted class, is in `(lower, upper]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CalibrationBin {
    /// Exclusive lower bound of the confidence, 0 to 1.
    pub lower: f64,
    /// Inclusive upper bound of the confidence, 0 to 1.
    pub upper: f64,
    /// Number of images.
    pub images: u64,
    /// Accuracy over these images; null without images.
    pub accuracy: Option<f64>,
    /// Mean confidence over these images; null without images.
    pub confidence: Option<f64>,
}

/// Sums over images for each bin of confidence.
#[derive(Debug, Clone, Default)]
pub(super) struct Bins([Bin; BINS]);

#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    images: u64,
    correct: u64,
    confidence: f64,
}

impl Bins {
    /// Adds the confidence of a prediction, and whether the prediction is correct.
    pub(super) fn add(&mut self, confidence: f32, is_correct: bool) {
        let bin = &mut self.0[bin_of(confidence)];
        bin.images += 1;
        bin.correct += u64::from(is_correct);
        bin.confidence += f64::from(confidence);
    }

    /// Returns the expected calibration error: the mean over images of `|accuracy - confidence|` of their bin.
    ///
    /// Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, equation 3.
    pub(super) fn expected_error(&self) -> Option<f64> {
        let images: u64 = self.0.iter().map(|bin| bin.images).sum();
        let gaps: f64 = self
            .0
            .iter()
            .map(|bin| (bin.correct as f64 - bin.confidence).abs())
            .sum();
        (images > 0).then(|| gaps / images as f64)
    }

    /// Returns the bins for a report.
    pub(super) fn calibration(&self) -> Calibration {
        let edge = |index: usize| index as f64 / BINS as f64;
        let bin = |(index, bin): (usize, &Bin)| CalibrationBin {
            lower: edge(index),
            upper: edge(index + 1),
            images: bin.images,
            accuracy: ratio(bin.correct, bin.images),
            confidence: (bin.images > 0).then(|| bin.confidence / bin.images as f64),
        };
        Calibration {
            bins: self.0.iter().enumerate().map(bin).collect(),
        }
    }
}

/// Returns the bin of a confidence: bin `m` contains `(m / 15, (m + 1) / 15]`.
fn bin_of(confidence: f32) -> usize {
    let upper = (f64::from(confidence) * BINS as f64).ceil();
    // The cast converts NaN to 0, and other values outside of 0 to 1 are clamped. Invalid outputs of a model must not panic.
    (upper as usize).clamp(1, BINS) - 1
}
