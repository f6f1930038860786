//! Compares the probabilities of an engine with those of the default provider on real faces.
//!
//! The 28 faces are four training faces of FER2013 per class. None of them is also a test face.

use mien_faces::image::{DecodedImage, Limits, decode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Classifier, InferenceError, Input, Prediction, engine::Precision};

/// The faces, one below the other.
const FACES: &[u8] = include_bytes!("agreement/faces.png");

/// Largest batch of the comparison.
const MAX_BATCH: usize = 8;

/// The difference between the probabilities of two engines.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = EngineAgreement)]
pub struct Agreement {
    /// Number of compared faces.
    pub faces: usize,
    /// Largest difference of a probability.
    #[schema(example = 0.0000004)]
    pub max_difference: f64,
    /// Mean difference of all probabilities.
    #[schema(example = 0.00000003)]
    pub mean_difference: f64,
    /// Number of faces whose most probable label differs.
    #[schema(example = 0)]
    pub flipped_labels: usize,
}

/// Limits of an [`Agreement`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Limit of the largest difference.
    pub max_difference: f64,
    /// Limit of the mean difference.
    pub mean_difference: f64,
    /// Limit of the share of faces whose label differs.
    pub flipped_share: f64,
}

impl Tolerance {
    /// Returns the documented limits of a precision (`docs/operations.md`).
    pub fn of(precision: Precision) -> Self {
        match precision {
            // Two ways to sum in single precision differ by less than 1e-5.
            Precision::Fp32 => Self {
                max_difference: 1e-3,
                mean_difference: 1e-4,
                flipped_share: 0.0,
            },
            // bfloat16 has 8 bits of mantissa, so a label may differ if two probabilities are nearly equal.
            Precision::Bf16 => Self {
                max_difference: 0.1,
                mean_difference: 0.01,
                flipped_share: 0.08,
            },
        }
    }
}

impl Agreement {
    /// Classifies the faces with both classifiers, whose input has `side` pixels per side, and compares the probabilities.
    ///
    /// # Errors
    /// Returns an error if a classifier fails.
    pub fn measure(
        reference: &mut dyn Classifier,
        candidate: &mut dyn Classifier,
        side: usize,
    ) -> Result<Self, InferenceError> {
        let faces = faces(side);
        let expected = classify(reference, &faces)?;
        let actual = classify(candidate, &faces)?;
        Ok(Self::of(&expected, &actual))
    }

    fn of(expected: &[Prediction], actual: &[Prediction]) -> Self {
        let (mut max, mut sum, mut count, mut flipped) = (0.0_f64, 0.0, 0_usize, 0);
        for (expected, actual) in expected.iter().zip(actual) {
            let (expected, actual) = (&expected.probabilities, &actual.probabilities);
            flipped += usize::from(expected.top().0 != actual.top().0);
            for (a, b) in expected.as_slice().iter().zip(actual.as_slice()) {
                let difference = f64::from((a - b).abs());
                max = max.max(difference);
                sum += difference;
                count += 1;
            }
        }
        Self {
            faces: expected.len(),
            max_difference: max,
            mean_difference: sum / count.max(1) as f64,
            flipped_labels: flipped,
        }
    }

    /// Checks the limits.
    ///
    /// # Errors
    /// Returns the reason if a limit is exceeded.
    pub fn check(&self, tolerance: Tolerance) -> Result<(), String> {
        let max_flipped = tolerance.flipped_share * self.faces as f64;
        let limits = [
            (
                "the largest difference of a probability",
                self.max_difference,
                tolerance.max_difference,
            ),
            (
                "the mean difference of the probabilities",
                self.mean_difference,
                tolerance.mean_difference,
            ),
            (
                "the number of faces with another label",
                self.flipped_labels as f64,
                max_flipped.floor(),
            ),
        ];
        match limits.into_iter().find(|(_, value, limit)| value > limit) {
            Some((name, value, limit)) => Err(format!("{name} is {value}; the limit is {limit}")),
            None => Ok(()),
        }
    }
}

/// Returns the faces, resized to the side of a model.
fn faces(side: usize) -> Vec<Input> {
    let sheet = decode(FACES, &Limits::default()).expect("the embedded file is a PNG");
    let width = sheet.width();
    let face = |pixels: &[u8]| {
        let face = DecodedImage::new(width, width, pixels.to_vec());
        Input::Face(face.expect("each face is a square").to_face(side))
    };
    sheet
        .pixels()
        .chunks_exact(width * width)
        .map(face)
        .collect()
}

fn classify(
    classifier: &mut dyn Classifier,
    faces: &[Input],
) -> Result<Vec<Prediction>, InferenceError> {
    let mut predictions = Vec::with_capacity(faces.len());
    for batch in faces.chunks(MAX_BATCH) {
        for prediction in classifier.classify(batch)? {
            predictions.push(prediction?);
        }
    }
    Ok(predictions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::Probabilities;

    /// Predicts the first of two labels with this probability, and adds `step` for each further face of a batch.
    struct Fake {
        first: f32,
        step: f32,
    }

    impl Classifier for Fake {
        fn classify(
            &mut self,
            inputs: &[Input],
        ) -> Result<Vec<Result<Prediction, InferenceError>>, InferenceError> {
            let prediction = |index: usize| {
                let first = self.first + self.step * index as f32;
                Ok(Prediction {
                    probabilities: Probabilities::new(&[first, 1.0 - first])?,
                    outputs: Box::default(),
                })
            };
            Ok((0..inputs.len()).map(prediction).collect())
        }
    }

    fn agreement(first: f32, step: f32) -> Agreement {
        let mut reference = Fake {
            first: 0.6,
            step: 0.0,
        };
        Agreement::measure(&mut reference, &mut Fake { first, step }, 48).unwrap()
    }

    #[test]
    fn equal_probabilities_agree_exactly() {
        let same = agreement(0.6, 0.0);
        assert_eq!(
            (same.faces, same.max_difference, same.mean_difference),
            (28, 0.0, 0.0)
        );
        assert_eq!(same.check(Tolerance::of(Precision::Fp32)), Ok(()));
    }

    #[test]
    fn small_difference_is_accepted_for_bf16_only() {
        let small = agreement(0.605, 0.0);
        assert!((small.max_difference - 0.005).abs() < 1e-6, "{small:?}");
        let fp32 = small.check(Tolerance::of(Precision::Fp32));
        assert!(fp32.unwrap_err().contains("largest difference"));
        assert_eq!(small.check(Tolerance::of(Precision::Bf16)), Ok(()));
    }

    #[test]
    fn other_labels_are_counted_and_rejected() {
        let other = agreement(0.4, 0.0);
        assert_eq!(other.flipped_labels, 28);
        assert!(other.check(Tolerance::of(Precision::Bf16)).is_err());
    }

    #[test]
    fn few_other_labels_are_accepted_for_bf16() {
        let agreement = |flipped_labels| Agreement {
            faces: 28,
            max_difference: 0.05,
            mean_difference: 0.005,
            flipped_labels,
        };
        let bf16 = Tolerance::of(Precision::Bf16);
        assert_eq!(agreement(2).check(bf16), Ok(()));
        assert!(agreement(3).check(bf16).unwrap_err().contains("label"));
    }

    #[test]
    fn mean_difference_covers_all_probabilities() {
        // The faces of a batch of 8 differ by 0, 0.001, ... 0.007, those of the last batch of 4 by 0 to 0.003.
        let rising = agreement(0.6, 0.001);
        let expected = (3.0 * 0.028 + 0.006) / 28.0;
        assert!(
            (rising.mean_difference - expected).abs() < 1e-6,
            "{rising:?}"
        );
        assert!((rising.max_difference - 0.007).abs() < 1e-6, "{rising:?}");
    }
}
