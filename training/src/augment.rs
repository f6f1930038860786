//! Augmentation of training faces: an affine map with bilinear sampling, brightness and contrast, cutout, random erasing.

use mien_faces::image::Face;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

mod affine;
mod erasing;

use affine::AffineMap;

/// Strengths of the augmentations. Every amount is drawn uniformly from `[-x, x]` unless documented otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Probability of a left-right mirror image.
    pub flip: f64,
    /// Probability that a face is rotated, scaled and shifted. Interpolation blurs; the other faces stay as sharp as those
    /// of clients.
    pub warp: f64,
    /// Share of the epochs after which faces are no longer rotated, scaled and shifted, so that the last epochs see faces as
    /// sharp as those of clients; 1 for all epochs.
    ///
    /// Source: He, Xie, Chen, Zhang, Wang, Tian, "Data Augmentation Revisited: Rethinking the Distribution Gap between Clean
    /// and Augmented Data" (2019), section 3: refinement on clean images.
    pub warp_until: f64,
    /// Rotation in degrees.
    pub rotation: f64,
    /// Change of scale: the factor is drawn from `[1 - x, 1 + x]`.
    pub scale: f64,
    /// Shift along each axis, as a share of the face's width.
    pub shift: f64,
    /// Brightness added, as a share of full white.
    pub brightness: f64,
    /// Change of contrast around the face's mean: the factor is drawn from `[1 - x, 1 + x]`.
    pub contrast: f64,
    /// Probability of cutout (DeVries and Taylor 2017).
    pub cutout: f64,
    /// Width of the cutout square, as a share of the face's width.
    pub cutout_side: f64,
    /// Probability that a rectangle of the face is replaced by noise (Zhong et al. 2020, algorithm 1).
    pub erasing: f64,
}

impl Default for Augment {
    fn default() -> Self {
        Self {
            flip: 0.5,
            warp: 1.0,
            warp_until: 1.0,
            rotation: 8.0,
            scale: 0.1,
            shift: 0.06,
            brightness: 0.1,
            contrast: 0.15,
            cutout: 0.0,
            cutout_side: 0.25,
            erasing: 0.0,
        }
    }
}

impl Augment {
    /// No augmentation.
    pub const NONE: Self = Self {
        flip: 0.0,
        warp: 0.0,
        warp_until: 1.0,
        rotation: 0.0,
        scale: 0.0,
        shift: 0.0,
        brightness: 0.0,
        contrast: 0.0,
        cutout: 0.0,
        cutout_side: 0.0,
        erasing: 0.0,
    };

    /// Writes an augmented copy of a face, gray values 0..255, to `out` (side x side, row-major).
    pub fn apply(&self, face: &Face, rng: &mut impl Rng, out: &mut [f32]) {
        let map = AffineMap::draw(self, face.side(), rng);
        let (gain, offset) = self.draw_light(face, rng);
        map.sample(face, out);
        for value in out.iter_mut() {
            *value = value.mul_add(gain, offset).clamp(0.0, 255.0);
        }
        if self.cutout > 0.0 && rng.random_bool(self.cutout) {
            self.cut_out(face.side(), rng, out);
        }
        if self.erasing > 0.0 && rng.random_bool(self.erasing) {
            erasing::erase(face.side(), rng, out);
        }
    }

    fn draw_light(&self, face: &Face, rng: &mut impl Rng) -> (f32, f32) {
        if self.contrast == 0.0 && self.brightness == 0.0 {
            return (1.0, 0.0);
        }
        let sum: u32 = face.pixels().iter().map(|&p| u32::from(p)).sum();
        let mean = sum as f32 / face.pixels().len() as f32;
        let gain = 1.0 + symmetric(self.contrast, rng);
        let offset = mean * (1.0 - gain) + 255.0 * symmetric(self.brightness, rng);
        (gain, offset)
    }

    /// Fills a square with the image's mean. The square can extend beyond the border.
    fn cut_out(&self, side: usize, rng: &mut impl Rng, out: &mut [f32]) {
        let mean = out.iter().sum::<f32>() / out.len() as f32;
        let half = (self.cutout_side * side as f64 / 2.0).round() as usize;
        let (cx, cy) = (rng.random_range(0..side), rng.random_range(0..side));
        for y in cy.saturating_sub(half)..(cy + half).min(side) {
            let (from, to) = (cx.saturating_sub(half), (cx + half).min(side));
            out[y * side + from..y * side + to].fill(mean);
        }
    }
}

/// Draws a number from `[-amount, amount]`.
fn symmetric(amount: f64, rng: &mut impl Rng) -> f32 {
    rng.random_range(-1.0..=1.0) * amount as f32
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn ramp() -> Face {
        Face::new(8, (0..64).map(|i| (i * 4) as u8).collect()).unwrap()
    }

    fn run(augment: Augment, seed: u64) -> Vec<f32> {
        let mut out = vec![0.0; 64];
        augment.apply(&ramp(), &mut StdRng::seed_from_u64(seed), &mut out);
        out
    }

    #[test]
    fn no_augmentation_returns_face_unchanged() {
        let expected: Vec<f32> = ramp().pixels().iter().map(|&p| f32::from(p)).collect();
        assert_eq!(run(Augment::NONE, 1), expected);
    }

    #[test]
    fn erasing_changes_the_given_share_of_faces() {
        let face = run(Augment::NONE, 1);
        let augment = Augment {
            erasing: 0.25,
            ..Augment::NONE
        };
        let erased = (0..400).filter(|&seed| run(augment, seed) != face).count();
        assert!((70..=130).contains(&erased), "{erased} of 400");
    }

    #[test]
    fn flip_mirrors_left_and_right() {
        let flipped = run(
            Augment {
                flip: 1.0,
                ..Augment::NONE
            },
            1,
        );
        let face = ramp();
        for y in 0..8 {
            for x in 0..8 {
                assert!(
                    (flipped[y * 8 + x] - f32::from(face.pixels()[y * 8 + 7 - x])).abs() < 1e-3
                );
            }
        }
    }

    #[test]
    fn warp_changes_given_share_of_faces() {
        let face: Vec<f32> = run(Augment::NONE, 1);
        let turned = Augment {
            warp: 0.25,
            rotation: 30.0,
            ..Augment::NONE
        };
        let unchanged = (0..400).filter(|&seed| run(turned, seed) == face).count();
        assert!((270..=330).contains(&unchanged), "{unchanged} of 400");
        let always = Augment {
            warp: 1.0,
            ..turned
        };
        assert!((0..50).all(|seed| run(always, seed) != face));
    }

    #[test]
    fn values_stay_in_range_and_follow_the_seed() {
        let strong = Augment {
            brightness: 0.9,
            contrast: 0.9,
            cutout: 1.0,
            erasing: 1.0,
            rotation: 90.0,
            ..Augment::default()
        };
        for seed in 0..50 {
            let out = run(strong, seed);
            assert!(out.iter().all(|v| (0.0..=255.0).contains(v)));
            assert_eq!(out, run(strong, seed));
        }
        assert_ne!(run(strong, 1), run(strong, 2));
    }
}
