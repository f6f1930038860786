//! Chooses the members of an ensemble.

use super::weights;

/// Weight below which a member is dropped: it would cost a whole network per face.
const MIN_WEIGHT: f64 = 0.01;

/// Members of an ensemble.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Indices of the members among the candidates, in the sequence in which they were selected.
    pub members: Vec<usize>,
    /// The members' weights; their sum is 1.
    pub weights: Vec<f64>,
    /// Log-loss of the weighted average, nats.
    pub log_loss: f64,
}

/// Limits of a selection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Maximum number of members.
    pub max_members: usize,
    /// Log-loss by which a further member must lower that of the ensemble, nats.
    pub min_gain: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_members: 5,
            min_gain: 0.001,
        }
    }
}

/// Selects members by greedy forward selection (Caruana, Niculescu-Mizil, Crew and Ksikes 2004, "Ensemble selection from
/// libraries of models", section 2). Each step adds the candidate that lowers the log-loss of the average the most. The
/// selection ends if no candidate lowers the log-loss by `min_gain`. Section 2.1 weights a candidate by selecting it
/// repeatedly; here the weights are fitted after every addition instead.
///
/// `likelihoods` holds, per candidate, the probability that it gives to the label of each face. There must be at least one
/// candidate and one face.
pub fn select(likelihoods: &[Vec<f64>], limits: Limits) -> Selection {
    let mut best = Selection {
        members: Vec::new(),
        weights: Vec::new(),
        log_loss: f64::INFINITY,
    };
    while best.members.len() < limits.max_members {
        let added = (0..likelihoods.len()).filter(|candidate| !best.members.contains(candidate));
        let extended = added
            .map(|candidate| fit_weights(likelihoods, [&best.members[..], &[candidate]].concat()));
        let Some(next) = extended.min_by(|a, b| a.log_loss.total_cmp(&b.log_loss)) else {
            break;
        };
        if best.log_loss - next.log_loss < limits.min_gain {
            break;
        }
        best = next;
    }
    drop_small_weights(likelihoods, best)
}

/// Drops members whose weight is below `MIN_WEIGHT`, and rounds the others' weights.
fn drop_small_weights(likelihoods: &[Vec<f64>], selection: Selection) -> Selection {
    let remaining = selection.members.iter().zip(&selection.weights);
    let remaining: Vec<usize> = remaining
        .filter(|(_, weight)| **weight >= MIN_WEIGHT)
        .map(|(member, _)| *member)
        .collect();
    let Selection {
        members, weights, ..
    } = fit_weights(likelihoods, remaining);
    let weights = weights::rounded(&weights);
    let log_loss = weights::log_loss(&of_members(likelihoods, &members), &weights);
    Selection {
        members,
        weights,
        log_loss,
    }
}

fn fit_weights(likelihoods: &[Vec<f64>], members: Vec<usize>) -> Selection {
    let of_members = of_members(likelihoods, &members);
    let weights = weights::fit(&of_members);
    let log_loss = weights::log_loss(&of_members, &weights);
    Selection {
        members,
        weights,
        log_loss,
    }
}

fn of_members<'a>(likelihoods: &'a [Vec<f64>], members: &[usize]) -> Vec<&'a [f64]> {
    members
        .iter()
        .map(|&member| likelihoods[member].as_slice())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        max_members: 8,
        min_gain: 1e-3,
    };

    /// Likelihoods of candidates that classify different parts of 100 faces correctly.
    fn candidates() -> Vec<Vec<f64>> {
        let correct_on = |correct: std::ops::Range<usize>, confidence: f64| {
            (0..100)
                .map(|face| {
                    if correct.contains(&face) {
                        confidence
                    } else {
                        0.1
                    }
                })
                .collect()
        };
        // The copy of the best candidate does not improve the ensemble.
        vec![
            correct_on(0..30, 0.8),
            correct_on(0..60, 0.8),
            correct_on(0..60, 0.8),
            correct_on(60..100, 0.7),
        ]
    }

    #[test]
    fn selection_adds_complementary_candidate_to_best() {
        let selection = select(&candidates(), LIMITS);
        assert_eq!(selection.members, [1, 3]);
        assert!((selection.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(selection.weights[0] > selection.weights[1], "{selection:?}");
        let alone = select(
            &candidates(),
            Limits {
                max_members: 1,
                ..LIMITS
            },
        );
        assert_eq!((alone.members, alone.weights), (vec![1], vec![1.0]));
        assert!(selection.log_loss < alone.log_loss);
    }

    #[test]
    fn large_minimum_gain_selects_only_best() {
        let selection = select(
            &candidates(),
            Limits {
                min_gain: 5.0,
                ..LIMITS
            },
        );
        assert_eq!(selection.members, [1]);
    }

    #[test]
    fn single_candidate_is_only_member() {
        let selection = select(&[vec![0.5, 0.25]], LIMITS);
        assert_eq!(selection.members, [0]);
        assert!((selection.log_loss - 8f64.ln() / 2.0).abs() < 1e-12);
    }
}
