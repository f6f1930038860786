use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;

/// Draws a sample of a uniform distribution over ten bins.
fn uniform_sample(random: &mut StdRng, images: usize) -> Vec<u64> {
    let mut counts = vec![0; 10];
    for _ in 0..images {
        counts[random.random_range(0..10_usize)] += 1;
    }
    counts
}

#[test]
fn difference_matches_scipy() {
    // scipy.stats.chi2_contingency([[120, 90, 60], [40, 50, 60]], correction=False): statistic 18.6667, p 8.8427e-05.
    let difference = compare(&[120, 90, 60], &[40, 50, 60]).unwrap();
    assert!(
        (difference.p_value - 8.842_7e-5).abs() < 1e-9,
        "{difference:?}"
    );
    // numpy: p = [120.5, 90.5, 60.5] / 271.5, q = [40.5, 50.5, 60.5] / 151.5, sum((q - p) * log(q / p)).
    assert!(
        (difference.psi - 0.192_450_57).abs() < 1e-8,
        "{difference:?}"
    );
}

#[test]
fn equal_shares_do_not_differ() {
    let difference = compare(&[700, 200, 100], &[70, 20, 10]).unwrap();
    assert!(difference.psi < 1e-3 && difference.p_value > 0.999);
}

#[test]
fn rare_bins_are_merged_with_neighbours() {
    // Alone, the single image in an empty bin of the reference would be significant.
    let difference = compare(&[500, 0, 500], &[50, 1, 49]).unwrap();
    assert!(difference.p_value > 0.5, "{difference:?}");
    let single = compare(&[3, 2], &[2, 1]).unwrap();
    assert_eq!(single.p_value, 1.0);
}

#[test]
fn empty_sample_is_not_compared() {
    assert_eq!(compare(&[1, 2], &[0, 0]), None);
    assert_eq!(compare(&[0, 0], &[1, 2]), None);
    assert_eq!(compare(&[], &[]), None);
}

#[test]
fn adjustment_follows_holm() {
    let difference = |p_value| Some(Difference { psi: 0.0, p_value });
    let mut differences = [0.04, 0.01, 0.03].map(difference);
    differences[2] = None;
    adjust(&mut differences);
    let adjusted = differences.map(|difference| difference.map(|d| d.p_value));
    assert_eq!(adjusted, [Some(0.04), Some(0.02), None]);
    let mut capped = [difference(0.9), difference(0.8)];
    adjust(&mut capped);
    assert_eq!(capped.map(|d| d.unwrap().p_value), [1.0, 1.0]);
}

#[test]
fn significance_level_is_rate_of_false_alarms() {
    let mut random = StdRng::seed_from_u64(1);
    let windows = 2_000;
    for level in [0.05, 0.01] {
        let mut significant = 0;
        for _ in 0..windows {
            let reference = uniform_sample(&mut random, 1_000);
            let live = uniform_sample(&mut random, 200);
            let difference = compare(&reference, &live).unwrap();
            significant += i32::from(difference.p_value < level);
        }
        let expected = f64::from(windows) * level;
        // Four standard deviations of the binomial distribution.
        let tolerance = 4.0 * (expected * (1.0 - level)).sqrt();
        let excess = f64::from(significant) - expected;
        assert!(excess.abs() < tolerance, "{level}: {significant}");
    }
}
