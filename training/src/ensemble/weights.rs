//! Weights of an average of probabilities.

/// Smallest probability that counts, 2^-23, as in the log-loss of reports.
const MIN_PROBABILITY: f64 = 1.192_092_895_507_812_5e-7;

/// Excess of a gradient at which the fit stops; the log-loss is then within this many nats of the minimum.
const TOLERANCE: f64 = 1e-6;

/// Maximum number of iterations. Weights that converge to 0 take the longest.
const MAX_ITERATIONS: usize = 20_000;

/// Denominator of rounded weights.
const PARTS: u32 = 1000;

/// Returns the mean negative log-likelihood of the labels in nats. `likelihoods` holds, per member, the probability that it
/// gives to the label of each face.
pub fn log_loss(likelihoods: &[&[f64]], weights: &[f64]) -> f64 {
    let mean = weighted_mean(likelihoods, weights);
    -mean
        .iter()
        .map(|p| p.max(MIN_PROBABILITY).ln())
        .sum::<f64>()
        / mean.len() as f64
}

/// Returns the weights, at least 0 and with the sum 1, that minimise [`log_loss`].
///
/// The problem is convex: the components of a mixture are fixed and its proportions are fitted. The iterations are those of
/// expectation maximisation (Dempster, Laird and Rubin 1977, "Maximum likelihood from incomplete data via the EM
/// algorithm", section 4.3). They stop when the Karush-Kuhn-Tucker conditions hold within `TOLERANCE`.
pub fn fit(likelihoods: &[&[f64]]) -> Vec<f64> {
    let mut weights = vec![1.0 / likelihoods.len() as f64; likelihoods.len()];
    for _ in 0..MAX_ITERATIONS {
        let mean = weighted_mean(likelihoods, &weights);
        let gradient = |member: &&[f64]| {
            let ratios = member
                .iter()
                .zip(&mean)
                .map(|(p, mean)| floor(*p) / floor(*mean));
            ratios.sum::<f64>() / mean.len() as f64
        };
        let gradients: Vec<f64> = likelihoods.iter().map(gradient).collect();
        if gradients
            .iter()
            .all(|gradient| *gradient <= 1.0 + TOLERANCE)
        {
            break;
        }
        weights
            .iter_mut()
            .zip(&gradients)
            .for_each(|(weight, gradient)| *weight *= gradient);
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
    weights
}

/// Rounds weights to thousandths whose sum is exactly 1: the largest remainders are rounded up.
pub fn rounded(weights: &[f64]) -> Vec<f64> {
    let scaled: Vec<f64> = weights
        .iter()
        .map(|weight| weight * f64::from(PARTS))
        .collect();
    let mut parts: Vec<u32> = scaled.iter().map(|part| part.floor() as u32).collect();
    let missing = PARTS.saturating_sub(parts.iter().sum()) as usize;
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by(|&a, &b| scaled[b].fract().total_cmp(&scaled[a].fract()));
    by_remainder
        .into_iter()
        .take(missing)
        .for_each(|index| parts[index] += 1);
    parts
        .into_iter()
        .map(|part| f64::from(part) / f64::from(PARTS))
        .collect()
}

/// Returns the weighted mean of the members' probabilities per face.
fn weighted_mean(likelihoods: &[&[f64]], weights: &[f64]) -> Vec<f64> {
    let faces = likelihoods.first().map_or(0, |member| member.len());
    let mut mean = vec![0.0; faces];
    for (member, weight) in likelihoods.iter().zip(weights) {
        mean.iter_mut()
            .zip(*member)
            .for_each(|(mean, p)| *mean += weight * p);
    }
    mean
}

fn floor(probability: f64) -> f64 {
    probability.max(MIN_PROBABILITY)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn complementary_members_get_the_analytic_weights() {
        // The first weight w solves 3 * 0.8 / (0.1 + 0.8 w) = 0.8 / (0.9 - 0.8 w).
        let first = [0.9, 0.9, 0.9, 0.1];
        let second = [0.1, 0.1, 0.1, 0.9];
        let weights = fit(&[&first, &second]);
        assert!((weights[0] - 0.8125).abs() < 1e-3, "{weights:?}");
    }

    #[test]
    fn member_that_is_worse_on_every_face_gets_no_weight() {
        let weights = fit(&[&[0.5, 0.6, 0.7], &[0.4, 0.5, 0.6]]);
        assert_eq!(rounded(&weights), [1.0, 0.0]);
    }

    #[test]
    fn rounded_weights_sum_to_one() {
        assert_eq!(rounded(&[1.0 / 3.0; 3]), [0.334, 0.333, 0.333]);
        assert_eq!(rounded(&[0.12345, 0.87655]), [0.123, 0.877]);
        assert_eq!(rounded(&[1.0]), [1.0]);
    }

    proptest! {
        #[test]
        fn no_other_weights_have_a_lower_loss(
            faces in proptest::collection::vec(proptest::array::uniform3(0.0f64..1.0), 1..30),
            other in proptest::array::uniform3(0.01f64..1.0),
        ) {
            let members: Vec<Vec<f64>> =
                (0..3).map(|member| faces.iter().map(|face| face[member]).collect()).collect();
            let members: Vec<&[f64]> = members.iter().map(Vec::as_slice).collect();
            let fitted = fit(&members);
            let sum: f64 = other.iter().sum();
            let other: Vec<f64> = other.iter().map(|weight| weight / sum).collect();
            prop_assert!((fitted.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(log_loss(&members, &fitted) <= log_loss(&members, &other) + 1e-4);
        }
    }
}
