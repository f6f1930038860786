//! Whether two models that disagree do so by more than chance.

/// McNemar's exact test, two-sided: how probable a split at least as uneven as this one is, 0 to 1, were each image that
/// only one of two models gets right as likely to be the one's as the other's.
///
/// Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
/// Psychometrika 12 (1947); exact by the binomial distribution with p = 1/2, twice its smaller tail.
pub fn mcnemar(only_a: u64, only_b: u64) -> f64 {
    let (n, k) = (only_a + only_b, only_a.min(only_b));
    if only_a == only_b {
        return 1.0;
    }
    // ln(n choose k) - n ln 2, the tail's greatest term; the smaller ones follow by their ratios to it.
    let choose: f64 = (1..=k).map(|i| ((n - k + i) as f64 / i as f64).ln()).sum();
    let greatest = choose - n as f64 * std::f64::consts::LN_2;
    let (mut term, mut tail) = (1.0, 1.0);
    for i in (1..=k).rev() {
        term *= i as f64 / (n - i + 1) as f64;
        tail += term;
    }
    (2.0 * tail * greatest.exp()).min(1.0)
}
