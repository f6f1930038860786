//! Confidence intervals of ratios and of their differences.

/// The 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Returns the 95 % score interval of a binomial ratio `hits / total`, within 0 to 1, or `None` if `total` is 0.
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
    // The interval contains the ratio and is within 0 to 1; rounding must not violate this.
    Some([(centre - half).clamp(0.0, p), (centre + half).clamp(p, 1.0)])
}

/// Returns the 95 % interval of the difference `b - a` of two accuracies on different images, within -1 to 1, or `None` if either total
/// is 0.
///
/// The arguments are the numbers of correct predictions and of images. R. G. Newcombe, "Interval estimation for the difference between
/// independent proportions: comparison of eleven methods", Statistics in Medicine 17 (1998), method 10: the Wilson intervals of both.
pub fn independent_difference(a: (u64, u64), b: (u64, u64)) -> Option<[f64; 2]> {
    let difference = b.0 as f64 / b.1 as f64 - a.0 as f64 / a.1 as f64;
    let (a, b) = (Distances::of(a.0, a.1)?, Distances::of(b.0, b.1)?);
    let low = difference - b.below.hypot(a.above);
    let high = difference + b.above.hypot(a.below);
    Some([low.max(-1.0), high.min(1.0)])
}

/// Returns the 95 % interval of the difference `b - a` of two accuracies on the same images, within -1 to 1, or `None` without
/// images.
///
/// The arguments are the numbers of images for which both, only a, only b, or neither is correct. R. G. Newcombe, "Improved confidence
/// intervals for the difference between binomial proportions based on paired data", Statistics in Medicine 17 (1998),
/// method 10: the Wilson intervals of both, combined with the correlation of the pairs.
pub fn paired_difference(both: u64, only_a: u64, only_b: u64, neither: u64) -> Option<[f64; 2]> {
    let total = both + only_a + only_b + neither;
    let a = Distances::of(both + only_a, total)?;
    let b = Distances::of(both + only_b, total)?;
    let [both, only_a, only_b, neither] = [both, only_a, only_b, neither].map(|n| n as f64);
    let n = both + only_a + only_b + neither;

    let product = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither);
    let association = both * neither - only_a * only_b;
    // The continuity correction of method 10 applies to positive association only.
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

/// Returns the number of images that a non-inferiority test with this margin, greater than 0, needs at least: with fewer images, the
/// interval of [`paired_difference`] extends below `-margin` even if both models make identical predictions.
///
/// The interval of identical predictions is narrowest if half of them are correct.
pub fn min_images_for_margin(margin: f64) -> u64 {
    let is_enough = |images: u64| {
        let correct = images / 2;
        paired_difference(correct, 0, 0, images - correct).is_some_and(|[low, _]| low >= -margin)
    };
    let mut high = 1;
    while !is_enough(high) && high < MAX_IMAGES {
        high *= 2;
    }
    // The answer is greater than `low` and at most `high`.
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low.midpoint(high);
        if is_enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// Upper bound of [`min_images_for_margin`]. No data set has as many images.
const MAX_IMAGES: u64 = 1 << 40;

/// The distances from a ratio to the ends of its Wilson interval.
struct Distances {
    below: f64,
    above: f64,
}

impl Distances {
    fn of(hits: u64, total: u64) -> Option<Self> {
        let [low, high] = wilson(hits, total)?;
        let ratio = hits as f64 / total as f64;
        Some(Self {
            below: ratio - low,
            above: high - ratio,
        })
    }
}
