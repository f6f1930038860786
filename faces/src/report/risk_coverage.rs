//! The accuracy if images with a low confidence get no answer.

use serde::{Deserialize, Serialize};

/// Number of points of the curve.
const POINTS: usize = 20;

/// The risk-coverage curve: accuracy against the share of answered images, when the images with the lowest confidence get no answer.
///
/// El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification" (2010), section 2; Geifman and El-Yaniv,
/// "Selective Classification for Deep Neural Networks" (2017), section 2.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RiskCoverage {
    /// Points in ascending order of coverage, at most 20, one per twentieth of the images. Images of equal confidence are answered
    /// together, so the coverage can be above a multiple of a twentieth.
    pub points: Vec<CoveragePoint>,
    /// Area under the curve of the error over the coverage, 0 (best) to 1; null without images.
    pub area: Option<f64>,
}

/// The accuracy over the images that have at least a confidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CoveragePoint {
    /// Share of the images that are answered, above 0 and at most 1.
    pub coverage: f64,
    /// Lowest confidence of an answer, 0 to 1: the value of `min_confidence` that gives this coverage.
    pub min_confidence: f32,
    /// Accuracy over the answered images, 0 to 1.
    pub accuracy: f64,
}

/// The confidences of the predictions, and whether they are correct.
#[derive(Debug, Clone, Default)]
pub(super) struct Confidences(Vec<(f32, bool)>);

impl Confidences {
    /// Adds a prediction.
    pub(super) fn add(&mut self, confidence: f32, is_correct: bool) {
        self.0.push((confidence, is_correct));
    }

    /// Returns the curve.
    pub(super) fn risk_coverage(&self) -> RiskCoverage {
        let mut sorted = self.0.clone();
        sorted.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let total = sorted.len();
        let mut curve = RiskCoverage::default();
        let (mut answered, mut correct, mut risks) = (0, 0, 0.0);
        for group in sorted.chunk_by(|(a, _), (b, _)| a == b) {
            let before = answered * POINTS / total;
            answered += group.len();
            correct += group.iter().filter(|(_, is_correct)| *is_correct).count();
            let accuracy = correct as f64 / answered as f64;
            risks += (1.0 - accuracy) * group.len() as f64;
            if answered * POINTS / total > before {
                curve.points.push(CoveragePoint {
                    coverage: answered as f64 / total as f64,
                    min_confidence: group[0].0,
                    accuracy,
                });
            }
        }
        curve.area = (total > 0).then(|| risks / total as f64);
        curve
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(predictions: &[(f32, bool)]) -> RiskCoverage {
        let mut confidences = Confidences::default();
        for &(confidence, is_correct) in predictions {
            confidences.add(confidence, is_correct);
        }
        confidences.risk_coverage()
    }

    #[test]
    fn accuracy_is_over_images_with_highest_confidence() {
        let curve = curve(&[(0.4, false), (0.9, true), (0.6, true), (0.8, false)]);
        let points: Vec<(f64, f32, f64)> = curve
            .points
            .iter()
            .map(|p| (p.coverage, p.min_confidence, p.accuracy))
            .collect();
        assert_eq!(
            points,
            [
                (0.25, 0.9, 1.0),
                (0.5, 0.8, 0.5),
                (0.75, 0.6, 2.0 / 3.0),
                (1.0, 0.4, 0.5)
            ]
        );
        // The mean of the errors 0, 1/2, 1/3 and 1/2.
        assert!((curve.area.unwrap() - (0.5 + 1.0 / 3.0 + 0.5) / 4.0).abs() < 1e-12);
    }

    #[test]
    fn images_of_equal_confidence_are_answered_together() {
        let curve = curve(&[(0.5, true), (0.5, false), (0.5, false), (0.9, true)]);
        let coverages: Vec<f64> = curve.points.iter().map(|p| p.coverage).collect();
        assert_eq!(coverages, [0.25, 1.0]);
        assert_eq!(curve.points[1].accuracy, 0.5);
    }

    #[test]
    fn many_images_give_twenty_points() {
        let predictions: Vec<(f32, bool)> = (0..7178).map(|i| (i as f32 / 7178.0, true)).collect();
        let curve = curve(&predictions);
        assert_eq!(curve.points.len(), 20);
        assert_eq!(curve.points[19].coverage, 1.0);
        assert_eq!(curve.area, Some(0.0));
    }

    #[test]
    fn no_images_have_empty_curve() {
        assert_eq!(curve(&[]), RiskCoverage::default());
    }
}
