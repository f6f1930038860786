//! Compares two histograms with the same bins: effect size and significance.

use statrs::function::gamma::checked_gamma_ur;

/// Minimum expected count per bin. Below it, the chi-square distribution is not a good approximation (W. G. Cochran, "Some methods for
/// strengthening the common chi-square tests", Biometrics 10 (1954), section 3).
const MIN_EXPECTED: f64 = 5.0;

/// The difference of two histograms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Difference {
    /// Population stability index, 0 or more.
    pub(super) psi: f64,
    /// Probability of a difference of at least this size between two samples of the same population, 0 to 1.
    pub(super) p_value: f64,
}

/// Compares the counts of two samples per bin, or returns `None` if a sample is empty.
pub(super) fn compare(reference: &[u64], live: &[u64]) -> Option<Difference> {
    let groups = pool(reference, live)?;
    Some(Difference {
        psi: population_stability_index(&groups),
        p_value: chi_square_test(&groups),
    })
}

/// The counts of one group of neighbouring bins: reference and live.
type Group = [f64; 2];

/// Merges neighbouring bins until both samples have an expected count of at least [`MIN_EXPECTED`] in each group.
fn pool(reference: &[u64], live: &[u64]) -> Option<Vec<Group>> {
    let pairs = || {
        let pairs = reference.iter().zip(live);
        pairs.map(|(&reference, &live)| [reference as f64, live as f64])
    };
    let total = pairs().fold([0.0; 2], add);
    if total.contains(&0.0) {
        return None;
    }
    let smaller_share = total[0].min(total[1]) / (total[0] + total[1]);
    let mut groups: Vec<Group> = Vec::new();
    let mut open = [0.0; 2];
    for pair in pairs() {
        open = add(open, pair);
        if (open[0] + open[1]) * smaller_share >= MIN_EXPECTED {
            groups.push(std::mem::take(&mut open));
        }
    }
    match groups.last_mut() {
        Some(last) => *last = add(*last, open),
        None => groups.push(open),
    }
    Some(groups)
}

fn add(a: Group, b: Group) -> Group {
    [a[0] + b[0], a[1] + b[1]]
}

/// Returns the population stability index: the sum of `(q - p) ln(q / p)` over the shares `p` of the reference and `q` of the live
/// sample, which is the symmetric divergence of S. Kullback and R. A. Leibler, "On information and sufficiency", Annals of Mathematical
/// Statistics 22 (1951), section 3. Half an image is added to each count, so that empty bins have a finite term.
fn population_stability_index(groups: &[Group]) -> f64 {
    let half = 0.5 * groups.len() as f64;
    let total = groups.iter().copied().fold([half; 2], add);
    let term = |group: &Group| {
        let [p, q] = [0, 1].map(|sample| (group[sample] + 0.5) / total[sample]);
        (q - p) * (q / p).ln()
    };
    groups.iter().map(term).sum()
}

/// Returns the p-value of the chi-square test for two binned samples of different sizes (W. H. Press et al., "Numerical Recipes", 3rd
/// edition, section 14.3, equation 14.3.3). With one group the samples do not differ.
fn chi_square_test(groups: &[Group]) -> f64 {
    if groups.len() < 2 {
        return 1.0;
    }
    let total = groups.iter().copied().fold([0.0; 2], add);
    let [reference, live] = [total[1] / total[0], total[0] / total[1]].map(f64::sqrt);
    let term = |group: &Group| {
        let difference = reference * group[0] - live * group[1];
        difference * difference / (group[0] + group[1])
    };
    let statistic: f64 = groups.iter().map(term).sum();
    let freedom = (groups.len() - 1) as f64;
    // The distribution is a regularised incomplete gamma function, which is defined for positive arguments.
    checked_gamma_ur(freedom / 2.0, statistic / 2.0).unwrap_or(1.0)
}

/// Adjusts the p-values of several tests, so that the probability of one or more values below a level is at most this level if all null
/// hypotheses are true (S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979)).
pub(super) fn adjust(differences: &mut [Option<Difference>]) {
    let mut ascending: Vec<&mut Difference> = differences.iter_mut().flatten().collect();
    ascending.sort_by(|a, b| a.p_value.total_cmp(&b.p_value));
    let tests = ascending.len();
    let mut highest = 0.0_f64;
    for (rank, difference) in ascending.into_iter().enumerate() {
        let adjusted = (tests - rank) as f64 * difference.p_value;
        highest = highest.max(adjusted.min(1.0));
        difference.p_value = highest;
    }
}

#[cfg(test)]
mod tests;
