//! Mixup: Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization" (2018), section 2.

use rand::{Rng, seq::SliceRandom};
use rand_distr::{Beta, Distribution};

use super::Mixed;

/// Mixes every face of a batch with another one of it, all by one share drawn from Beta(alpha, alpha). The share of the
/// face itself is the larger one, so that its label stays the main one; that is the same distribution of pairs.
pub(super) fn apply(alpha: f64, rng: &mut impl Rng, pixels: &mut [f32], labels: &[i64]) -> Mixed {
    let beta = Beta::new(alpha, alpha).expect("a checked recipe mixes by a positive alpha");
    let drawn: f64 = beta.sample(rng);
    let share = drawn.min(1.0 - drawn);
    let mut partners: Vec<usize> = (0..labels.len()).collect();
    partners.shuffle(rng);
    let area = pixels.len() / labels.len();
    let plain = pixels.to_vec();
    for (out, &partner) in pixels.chunks_exact_mut(area).zip(&partners) {
        let other = &plain[partner * area..][..area];
        for (value, other) in out.iter_mut().zip(other) {
            *value += (other - *value) * share as f32;
        }
    }
    Mixed { labels: partners.iter().map(|&partner| labels[partner]).collect(), share }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn pictures_and_labels_are_mixed_by_the_same_share() {
        // Each face is a constant picture of its own label.
        let labels: Vec<i64> = (0..6).collect();
        for seed in 0..20 {
            let mut pixels: Vec<f32> = labels.iter().flat_map(|&l| [l as f32; 4]).collect();
            let mixed = apply(0.4, &mut StdRng::seed_from_u64(seed), &mut pixels, &labels);
            assert!((0.0..=0.5).contains(&mixed.share));
            let mut partners = mixed.labels.clone();
            partners.sort_unstable();
            assert_eq!(partners, labels, "every face is somebody's partner");
            for ((picture, own), other) in pixels.chunks(4).zip(&labels).zip(&mixed.labels) {
                let expected = *own as f64 * (1.0 - mixed.share) + *other as f64 * mixed.share;
                assert!(picture.iter().all(|value| (f64::from(*value) - expected).abs() < 1e-5));
            }
        }
    }
}
