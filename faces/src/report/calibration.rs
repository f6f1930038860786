//! Whether a confidence of 80 % is right in 80 of 100 images.

use serde::{Deserialize, Serialize};

use super::ratio;

/// Bins of equal width between confidence 0 and 1.
const BINS: usize = 15;

/// A reliability diagram in numbers: how often the model is right where it is so sure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Calibration {
    /// 15 bins of equal width, from confidence 0 to 1.
    pub bins: Vec<CalibrationBin>,
}

/// The images whose confidence, that in the predicted class, lies in `(lower, upper]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CalibrationBin {
    /// Above this, 0 to 1.
    pub lower: f64,
    /// Up to this, 0 to 1.
    pub upper: f64,
    /// How many.
    pub images: u64,
    /// The part of them that is right; null when there are none.
    pub accuracy: Option<f64>,
    /// Their mean confidence; null when there are none.
    pub confidence: Option<f64>,
}

/// Sums over the images, by bins of their confidence.
#[derive(Debug, Clone, Default)]
pub(super) struct Bins([Bin; BINS]);

#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    images: u64,
    correct: u64,
    confidence: f64,
}

impl Bins {
    /// Counts one image: the confidence in its prediction, and whether that is right.
    pub(super) fn add(&mut self, confidence: f32, is_correct: bool) {
        let bin = &mut self.0[bin_of(confidence)];
        bin.images += 1;
        bin.correct += u64::from(is_correct);
        bin.confidence += f64::from(confidence);
    }

    /// The expected calibration error: the mean over images of `|accuracy - confidence|` of their bin.
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

    /// The bins as the report tells them.
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

/// The bin of a confidence: bin `m` holds `(m / 15, (m + 1) / 15]`.
fn bin_of(confidence: f32) -> usize {
    let upper = (f64::from(confidence) * BINS as f64).ceil();
    // A NaN becomes 0 in this cast and a wild number is clamped: a model's nonsense must not panic here.
    (upper as usize).clamp(1, BINS) - 1
}
