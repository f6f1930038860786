//! Whether a confidence of 80 % is right in 80 of 100 images.

/// Bins of equal width between confidence 0 and 1.
const BINS: usize = 15;

/// Sums over the images, by bins of the confidence in the predicted class.
#[derive(Debug, Clone, Default)]
pub(super) struct Calibration {
    bins: [Bin; BINS],
    /// The sum of `-ln` of the labels' probabilities.
    surprise: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    images: u64,
    correct: u64,
    confidence: f64,
}

impl Calibration {
    /// Counts one image: the confidence in the prediction, whether it is right, the label's probability.
    pub(super) fn add(&mut self, confidence: f32, is_correct: bool, of_truth: f32) {
        let bin = &mut self.bins[bin_of(confidence)];
        bin.images += 1;
        bin.correct += u64::from(is_correct);
        bin.confidence += f64::from(confidence);
        self.surprise -= f64::from(of_truth.max(f32::EPSILON)).ln();
    }

    /// The expected calibration error: the mean over images of `|accuracy - confidence|` of their bin.
    ///
    /// Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, equation 3.
    pub(super) fn expected_error(&self) -> Option<f64> {
        let gaps: f64 =
            self.bins.iter().map(|bin| (bin.correct as f64 - bin.confidence).abs()).sum();
        self.mean(gaps)
    }

    /// The mean negative log-likelihood of the labels, in nats.
    pub(super) fn log_loss(&self) -> Option<f64> {
        self.mean(self.surprise)
    }

    fn mean(&self, sum: f64) -> Option<f64> {
        let images: u64 = self.bins.iter().map(|bin| bin.images).sum();
        (images > 0).then(|| sum / images as f64)
    }
}

/// The bin of a confidence: bin `m` holds `(m / 15, (m + 1) / 15]`.
fn bin_of(confidence: f32) -> usize {
    let upper = (f64::from(confidence) * BINS as f64).ceil();
    // A NaN becomes 0 in this cast and a wild number is clamped: a model's nonsense must not panic here.
    (upper as usize).clamp(1, BINS) - 1
}
