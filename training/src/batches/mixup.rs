//! Mixup: Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization" (2018), section 2.

use rand::{Rng, seq::SliceRandom};
use rand_distr::{Beta, Distribution};

use super::Mixed;

/// For every face of a batch the face that is mixed in, and its share.
#[derive(Debug)]
pub(super) struct Mixing {
    partners: Vec<usize>,
    share: f64,
}

impl Mixing {
    /// Draws a permutation of `faces` faces and one share from Beta(alpha, alpha). The share of the face itself is the
    /// larger one, so that its label remains the main one; the distribution of pairs is the same.
    pub(super) fn draw(alpha: f64, rng: &mut impl Rng, faces: usize) -> Self {
        let beta = Beta::new(alpha, alpha).expect("a checked recipe mixes by a positive alpha");
        let drawn: f64 = beta.sample(rng);
        let share = drawn.min(1.0 - drawn);
        let mut partners: Vec<usize> = (0..faces).collect();
        partners.shuffle(rng);
        Self { partners, share }
    }

    /// Mixes values of equal count per face: the pixels, or the probabilities of a soft target.
    pub(super) fn apply(&self, values: &mut [f32]) {
        let count = values.len() / self.partners.len();
        let plain = values.to_vec();
        for (out, &partner) in values.chunks_exact_mut(count).zip(&self.partners) {
            let other = &plain[partner * count..][..count];
            for (value, other) in out.iter_mut().zip(other) {
                *value += (other - *value) * self.share as f32;
            }
        }
    }

    /// Returns the partners' labels with their share.
    pub(super) fn of_labels(&self, labels: &[i64]) -> Mixed {
        let labels = self
            .partners
            .iter()
            .map(|&partner| labels[partner])
            .collect();
        Mixed {
            labels,
            share: self.share,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn images_and_labels_are_mixed_by_equal_shares() {
        // Each face is a constant image of its label.
        let labels: Vec<i64> = (0..6).collect();
        for seed in 0..20 {
            let mut pixels: Vec<f32> = labels.iter().flat_map(|&l| [l as f32; 4]).collect();
            let mixing = Mixing::draw(0.4, &mut StdRng::seed_from_u64(seed), labels.len());
            mixing.apply(&mut pixels);
            let mixed = mixing.of_labels(&labels);
            assert!((0.0..=0.5).contains(&mixed.share));
            let mut partners = mixed.labels.clone();
            partners.sort_unstable();
            assert_eq!(partners, labels, "partners are a permutation of the faces");
            for ((image, own), other) in pixels.chunks(4).zip(&labels).zip(&mixed.labels) {
                let expected = *own as f64 * (1.0 - mixed.share) + *other as f64 * mixed.share;
                assert!(
                    image
                        .iter()
                        .all(|value| (f64::from(*value) - expected).abs() < 1e-5)
                );
            }
        }
    }
}
