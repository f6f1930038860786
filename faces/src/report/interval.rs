//! How sure a measured ratio is.

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % score interval of a binomial ratio `hits / total`, within 0 to 1; `None` of nothing.
///
/// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
pub fn wilson(hits: u64, total: u64) -> Option<[f64; 2]> {
    if total == 0 {
        return None;
    }
    let (n, p) = (total as f64, hits as f64 / total as f64);
    let scale = 1.0 / (1.0 + Z * Z / n);
    let centre = scale * (p + Z * Z / (2.0 * n));
    let half = scale * Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    // The interval holds the ratio and stays within 0 to 1; rounding must not undo either.
    Some([(centre - half).clamp(0.0, p), (centre + half).clamp(p, 1.0)])
}

/// The 95 % interval of the difference `b - a` of two accuracies on the same images, within -1 to 1; `None` of nothing.
///
/// The images are counted by who is right: both, a alone, b alone, neither. R. G. Newcombe, "Improved confidence
/// intervals for the difference between binomial proportions based on paired data", Statistics in Medicine 17 (1998),
/// method 10: the Wilson intervals of both, put together with the correlation of the pairs.
pub fn paired_difference(both: u64, only_a: u64, only_b: u64, neither: u64) -> Option<[f64; 2]> {
    let total = both + only_a + only_b + neither;
    let a = Side::of(both + only_a, total)?;
    let b = Side::of(both + only_b, total)?;
    let [both, only_a, only_b, neither] = [both, only_a, only_b, neither].map(|n| n as f64);
    let n = both + only_a + only_b + neither;

    let product = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither);
    let association = both * neither - only_a * only_b;
    // The continuity correction of method 10 is for positive association alone.
    let association = if association > 0.0 {
        (association - n / 2.0).max(0.0)
    } else {
        association
    };
    let phi = if product > 0.0 {
        association / product.sqrt()
    } else {
        0.0
    };

    let reach = |x: f64, y: f64| (x * x - 2.0 * phi * x * y + y * y).max(0.0).sqrt();
    let difference = (only_b - only_a) / n;
    let low = difference - reach(b.below, a.above);
    let high = difference + reach(b.above, a.below);
    Some([low.max(-1.0), high.min(1.0)])
}

/// How far a ratio's Wilson interval reaches down and up from it.
struct Side {
    below: f64,
    above: f64,
}

impl Side {
    fn of(hits: u64, total: u64) -> Option<Self> {
        let [low, high] = wilson(hits, total)?;
        let ratio = hits as f64 / total as f64;
        Some(Self {
            below: ratio - low,
            above: high - ratio,
        })
    }
}
