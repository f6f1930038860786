//! McNemar's test: whether the difference of two models is more than chance.

/// Returns the p-value of McNemar's exact two-sided test, 0 to 1. The arguments are the numbers of images that only one of the
/// models classifies correctly. The null hypothesis is that such an image is equally likely to be either model's.
///
/// Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
/// Psychometrika 12 (1947); the exact test is twice the smaller tail of the binomial distribution with p = 1/2.
pub fn mcnemar(only_a: u64, only_b: u64) -> f64 {
    let (n, k) = (only_a + only_b, only_a.min(only_b));
    if only_a == only_b {
        return 1.0;
    }
    // The greatest term of the tail is ln(n choose k) - n ln 2. The other terms are computed from their ratios to it.
    let choose: f64 = (1..=k).map(|i| ((n - k + i) as f64 / i as f64).ln()).sum();
    let greatest = choose - n as f64 * std::f64::consts::LN_2;
    let (mut term, mut tail) = (1.0, 1.0);
    for i in (1..=k).rev() {
        term *= i as f64 / (n - i + 1) as f64;
        tail += term;
    }
    (2.0 * tail * greatest.exp()).min(1.0)
}
