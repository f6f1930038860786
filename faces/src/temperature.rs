//! Temperature scaling: one parameter that calibrates the confidences of a model and does not change its predictions.
//!
//! C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.

use std::ops::RangeInclusive;

use crate::expression::Expression;

/// One logit per class, in class order.
pub type Logits = [f32; Expression::COUNT];

/// Range of fitted temperatures. The best temperature is 0 if all predictions are correct and infinite if all are incorrect;
/// neither is usable.
pub const RANGE: RangeInclusive<f64> = 0.05..=20.0;

/// Temperatures at which [`fit`] compares the likelihoods before it refines the best one; neighbours differ by a tenth.
const GRID: usize = 61;

/// Bisection steps between two neighbours of the grid. The result is far more precise than an `f32`.
const HALVINGS: usize = 50;

/// Returns the probabilities `softmax(logits / temperature)`, adding up to 1.
pub fn softmax(logits: &Logits, temperature: f64) -> [f32; Expression::COUNT] {
    weights(logits, 1.0 / temperature).map(|p| p as f32)
}

/// Returns the mean of `softmax(logits / temperature)` over the views of one face, adding up to 1.
pub fn mean_softmax(views: &[Logits], temperature: f64) -> [f32; Expression::COUNT] {
    let mut mean = [0.0; Expression::COUNT];
    for view in views {
        let probabilities = weights(view, 1.0 / temperature);
        mean.iter_mut()
            .zip(probabilities)
            .for_each(|(mean, p)| *mean += p / views.len() as f64);
    }
    mean.map(|p| p as f32)
}

/// Returns the negative log-likelihood of the label at temperature 1, in nats, even if its probability underflows.
pub fn nll(logits: &Logits, label: Expression) -> f64 {
    -log_probability(logits, label, 1.0)
}

/// Returns the temperature within [`RANGE`] with the least mean negative log-likelihood of the labels, where a face's
/// probabilities are the [`mean_softmax`] of its views. Returns `None` if there are no faces or a logit is not finite.
///
/// With one view the likelihood is concave in `1 / T` (Guo et al. 2017, section 4.2) and has one maximum. With several it
/// may have more, so the search compares a grid of temperatures first and bisects the slope around the best of them.
pub fn fit(rows: &[(Vec<Logits>, Expression)]) -> Option<f64> {
    let finite = |views: &[Logits]| views.iter().flatten().all(|z| z.is_finite());
    if rows.is_empty()
        || rows
            .iter()
            .any(|(views, _)| views.is_empty() || !finite(views))
    {
        return None;
    }
    let (low, high) = (RANGE.start().ln(), RANGE.end().ln());
    // With equal logits the slope is 0 everywhere and the temperature changes nothing.
    if slope(rows, (-high).exp()) == 0.0 && slope(rows, (-low).exp()) == 0.0 {
        return Some(1.0);
    }
    let step = (high - low) / (GRID - 1) as f64;
    let at = |index: usize| low + step * index as f64;
    let loss: Vec<f64> = (0..GRID)
        .map(|index| total_nll(rows, (-at(index)).exp()))
        .collect();
    let best = (0..GRID).min_by(|&a, &b| loss[a].total_cmp(&loss[b]))?;
    let (mut low, mut high) = (at(best.saturating_sub(1)), at((best + 1).min(GRID - 1)));
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        // A slope above 0 means that a smaller 1 / T is better.
        if slope(rows, (-middle).exp()) > 0.0 {
            low = middle
        } else {
            high = middle
        }
    }
    Some(f64::midpoint(low, high).exp())
}

/// Returns the summed negative log-likelihood of the labels at an inverse temperature.
fn total_nll(rows: &[(Vec<Logits>, Expression)], inverse: f64) -> f64 {
    let of_row = |(views, label): &(Vec<Logits>, Expression)| {
        let parts: Vec<f64> = views
            .iter()
            .map(|z| log_probability(z, *label, inverse))
            .collect();
        (views.len() as f64).ln() - log_sum(&parts)
    };
    rows.iter().map(of_row).sum()
}

/// Returns the derivative of [`total_nll`] by the inverse temperature. For each view it is the mean of the logits under the model
/// minus the logit of the label. Views are weighted by their share of the label's probability.
fn slope(rows: &[(Vec<Logits>, Expression)], inverse: f64) -> f64 {
    let of_view = |logits: &Logits, label: Expression| {
        let below = below_largest(logits);
        let expected: f64 = weights(logits, inverse)
            .iter()
            .zip(below)
            .map(|(p, z)| p * z)
            .sum();
        expected - below[label.index()]
    };
    let of_row = |(views, label): &(Vec<Logits>, Expression)| -> f64 {
        let parts: Vec<f64> = views
            .iter()
            .map(|z| log_probability(z, *label, inverse))
            .collect();
        let total = log_sum(&parts);
        views
            .iter()
            .zip(parts)
            .map(|(z, part)| (part - total).exp() * of_view(z, *label))
            .sum()
    };
    rows.iter().map(of_row).sum()
}

/// Returns the logarithm of the label's probability, `softmax(logits * inverse)`, even if the probability underflows.
fn log_probability(logits: &Logits, label: Expression, inverse: f64) -> f64 {
    let scaled = below_largest(logits).map(|z| z * inverse);
    scaled[label.index()] - scaled.iter().map(|z| z.exp()).sum::<f64>().ln()
}

/// Returns the logarithm of the sum of exponentials, without overflow.
fn log_sum(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest
        + values
            .iter()
            .map(|value| (value - largest).exp())
            .sum::<f64>()
            .ln()
}

fn weights(logits: &Logits, inverse: f64) -> [f64; Expression::COUNT] {
    let powers = below_largest(logits).map(|z| (z * inverse).exp());
    let sum: f64 = powers.iter().sum();
    powers.map(|p| p / sum)
}

/// Subtracts the largest logit, so that no exponential overflows.
fn below_largest(logits: &Logits) -> [f64; Expression::COUNT] {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    logits.map(|z| f64::from(z) - f64::from(largest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nll_at(rows: &[(Vec<Logits>, Expression)], temperature: f64) -> f64 {
        let of_row = |(views, label): &(Vec<Logits>, Expression)| {
            let p = |z: &Logits| weights(z, 1.0 / temperature)[label.index()];
            -(views.iter().map(p).sum::<f64>() / views.len() as f64).ln()
        };
        rows.iter().map(of_row).sum()
    }

    /// Logits of a model that gives one of two classes the logit `z` and is correct for `correct` of `total` faces.
    fn two_classes(z: f32, correct: usize, total: usize) -> Vec<(Vec<Logits>, Expression)> {
        let logits = [z, 0.0, -1e4, -1e4, -1e4, -1e4, -1e4];
        let label = |i| {
            if i < correct {
                Expression::Angry
            } else {
                Expression::Disgust
            }
        };
        (0..total).map(|i| (vec![logits], label(i))).collect()
    }

    #[test]
    fn fitted_confidence_equals_accuracy() {
        // sigmoid(4 / T) = 0.8 for T = 4 / ln 4.
        let rows = two_classes(4.0, 80, 100);
        let fitted = fit(&rows).unwrap();
        assert!((fitted - 4.0 / 4f64.ln()).abs() < 1e-9, "{fitted}");
        assert!((softmax(&rows[0].0[0], fitted)[0] - 0.8).abs() < 1e-6);
        assert!((nll(&rows[0].0[0], Expression::Angry) - (1.0 + (-4f64).exp()).ln()).abs() < 1e-12);
    }

    #[test]
    fn fit_without_optimum_returns_nearest_bound() {
        assert!((fit(&two_classes(4.0, 10, 10)).unwrap() - RANGE.start()).abs() < 1e-9);
        assert!((fit(&two_classes(4.0, 0, 10)).unwrap() - RANGE.end()).abs() < 1e-9);
        assert_eq!(fit(&[(vec![[2.0; 7]], Expression::Sad)]), Some(1.0));
        assert_eq!(fit(&[]), None);
        assert_eq!(fit(&[(vec![[f32::NAN; 7]], Expression::Sad)]), None);
    }

    #[test]
    fn fit_of_two_views_minimises_loss_of_their_mean() {
        // The mean of sigmoid(4 / T) and 0.5 is 0.7 for T = 4 / ln 9.
        let undecided = [0.0, 0.0, -1e4, -1e4, -1e4, -1e4, -1e4];
        let mut rows = two_classes(4.0, 70, 100);
        rows.iter_mut().for_each(|(views, _)| views.push(undecided));
        let fitted = fit(&rows).unwrap();
        assert!((fitted - 4.0 / 9f64.ln()).abs() < 1e-9, "{fitted}");
        assert!((mean_softmax(&rows[0].0, fitted)[0] - 0.7).abs() < 1e-6);
        // Views that are equal count as one.
        let mut rows = two_classes(4.0, 80, 100);
        rows.iter_mut().for_each(|(views, _)| views.push(views[0]));
        assert!((fit(&rows).unwrap() - 4.0 / 4f64.ln()).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn fitted_temperature_is_optimal(
            rows in proptest::collection::vec((proptest::array::uniform7(-20f32..20.0), 0_usize..7), 1..40),
            other in 0.05f64..20.0,
        ) {
            let rows: Vec<_> =
                rows.into_iter().map(|(z, label)| (vec![z], Expression::from_index(label).unwrap())).collect();
            let fitted = fit(&rows).unwrap();
            prop_assert!(nll_at(&rows, fitted) <= nll_at(&rows, other) + 1e-9);
        }

        #[test]
        fn probabilities_sum_to_1_in_order_of_logits(
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
