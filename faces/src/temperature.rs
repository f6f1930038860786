//! Temperature scaling: one number that makes a model's confidences honest and changes none of its predictions.
//!
//! C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.

use std::ops::RangeInclusive;

use crate::expression::Expression;

/// One logit a class, in class order.
pub type Logits = [f32; Expression::COUNT];

/// The temperatures that a fit may give. Faces that a model gets all right ask for 0, those it gets all wrong
/// for infinity; neither makes a model.
pub const RANGE: RangeInclusive<f64> = 0.05..=20.0;

/// Halvings of the interval of `ln T`: far below what an `f32` tells apart.
const HALVINGS: usize = 50;

/// Probabilities `softmax(logits / temperature)`, adding up to 1.
pub fn softmax(logits: &Logits, temperature: f64) -> [f32; Expression::COUNT] {
    weights(logits, 1.0 / temperature).map(|p| p as f32)
}

/// Negative log-likelihood of the label at temperature 1, in nats, however small its probability.
pub fn nll(logits: &Logits, label: Expression) -> f64 {
    let below = below_largest(logits);
    below.iter().map(|z| z.exp()).sum::<f64>().ln() - below[label.index()]
}

/// The temperature with the least mean negative log-likelihood of the labels, within [`RANGE`]; `None` where there are
/// no faces, or logits that are no numbers.
///
/// The likelihood is concave in `1 / T`, so its slope has one root at most, which bisection finds.
pub fn fit(rows: &[(Logits, Expression)]) -> Option<f64> {
    if rows.is_empty() || rows.iter().any(|(logits, _)| !logits.iter().all(|z| z.is_finite())) {
        return None;
    }
    let (mut low, mut high) = (RANGE.start().ln(), RANGE.end().ln());
    // The slope falls as T rises. Where it is 0 everywhere, as with equal logits, T changes nothing.
    if slope(rows, RANGE.end().recip()) == 0.0 && slope(rows, RANGE.start().recip()) == 0.0 {
        return Some(1.0);
    }
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        // A slope above 0 means that a smaller 1 / T is better.
        if slope(rows, (-middle).exp()) > 0.0 { low = middle } else { high = middle }
    }
    Some(f64::midpoint(low, high).exp())
}

/// Derivative of the summed negative log-likelihood by the inverse temperature: the logits' mean under the model less
/// the label's own.
fn slope(rows: &[(Logits, Expression)], inverse: f64) -> f64 {
    let of_row = |(logits, label): &(Logits, Expression)| {
        let below = below_largest(logits);
        let expected: f64 = weights(logits, inverse).iter().zip(below).map(|(p, z)| p * z).sum();
        expected - below[label.index()]
    };
    rows.iter().map(of_row).sum()
}

fn weights(logits: &Logits, inverse: f64) -> [f64; Expression::COUNT] {
    let powers = below_largest(logits).map(|z| (z * inverse).exp());
    let sum: f64 = powers.iter().sum();
    powers.map(|p| p / sum)
}

/// The logits less the largest of them, so that no exponential overflows.
fn below_largest(logits: &Logits) -> [f64; Expression::COUNT] {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    logits.map(|z| f64::from(z) - f64::from(largest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nll_at(rows: &[(Logits, Expression)], temperature: f64) -> f64 {
        let of_row = |(logits, label): &(Logits, Expression)| {
            let below = below_largest(logits).map(|z| z / temperature);
            below.iter().map(|z| z.exp()).sum::<f64>().ln() - below[label.index()]
        };
        rows.iter().map(of_row).sum()
    }

    /// A model that gives one of two classes the logit `z` and is right in `right` of `total` faces.
    fn two_classes(z: f32, right: usize, total: usize) -> Vec<(Logits, Expression)> {
        let logits = [z, 0.0, -1e4, -1e4, -1e4, -1e4, -1e4];
        let label = |i| if i < right { Expression::Angry } else { Expression::Disgust };
        (0..total).map(|i| (logits, label(i))).collect()
    }

    #[test]
    fn the_fitted_confidence_is_the_share_of_right_answers() {
        // sigmoid(4 / T) = 0.8 where T = 4 / ln 4.
        let rows = two_classes(4.0, 80, 100);
        let fitted = fit(&rows).unwrap();
        assert!((fitted - 4.0 / 4f64.ln()).abs() < 1e-9, "{fitted}");
        assert!((softmax(&rows[0].0, fitted)[0] - 0.8).abs() < 1e-6);
        assert!((nll(&rows[0].0, Expression::Angry) - (1.0 + (-4f64).exp()).ln()).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_best_temperature_gets_the_nearest_allowed() {
        assert!((fit(&two_classes(4.0, 10, 10)).unwrap() - RANGE.start()).abs() < 1e-9);
        assert!((fit(&two_classes(4.0, 0, 10)).unwrap() - RANGE.end()).abs() < 1e-9);
        assert_eq!(fit(&[([2.0; 7], Expression::Sad)]), Some(1.0));
        assert_eq!(fit(&[]), None);
        assert_eq!(fit(&[([f32::NAN; 7], Expression::Sad)]), None);
    }

    proptest! {
        #[test]
        fn no_other_temperature_is_better(
            rows in proptest::collection::vec((proptest::array::uniform7(-20f32..20.0), 0_usize..7), 1..40),
            other in 0.05f64..20.0,
        ) {
            let rows: Vec<_> =
                rows.into_iter().map(|(z, label)| (z, Expression::from_index(label).unwrap())).collect();
            let fitted = fit(&rows).unwrap();
            prop_assert!(nll_at(&rows, fitted) <= nll_at(&rows, other) + 1e-9);
        }

        #[test]
        fn probabilities_add_up_and_keep_the_order(
            logits in proptest::array::uniform7(-1e6f32..1e6), temperature in 0.05f64..20.0,
        ) {
            let p = softmax(&logits, temperature);
            prop_assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            for (a, b) in (0..7).zip(1..7) {
                prop_assert!(logits[a] >= logits[b] || p[a] <= p[b]);
            }
        }
    }
}
