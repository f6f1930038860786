//! Settings that change in the course of a run: the learning rate, the faces' side and augmentation, and the
//! kind of step.

use super::{Recipe, options::Schedule};
use crate::augment::Augment;

impl Recipe {
    /// Returns the height and width of the faces in an epoch (from 0), px.
    pub fn side(&self, epoch: usize) -> usize {
        let done = epoch as f64 / self.epochs as f64;
        let phase = self
            .sizes
            .iter()
            .find(|phase| done < phase.until)
            .or(self.sizes.last());
        phase.expect("a checked recipe has phases").side
    }

    /// Returns the augmentation of an epoch (from 0).
    pub fn augment(&self, epoch: usize) -> Augment {
        let done = epoch as f64 / self.epochs as f64;
        if done < self.augment.warp_until {
            return self.augment;
        }
        Augment {
            warp: 0.0,
            ..self.augment
        }
    }

    /// Returns the radius of sharpness-aware minimisation in an epoch (from 0); `None` in epochs without it.
    pub fn sam_radius(&self, epoch: usize) -> Option<f64> {
        let sam = self.sam?;
        let epochs = (sam.share * self.epochs as f64).round().max(1.0) as usize;
        (epoch + epochs >= self.epochs).then_some(sam.rho)
    }

    /// Returns the learning rate of a step (from 0) of a run of `total` steps. All epochs have equal numbers of steps.
    pub fn learning_rate_at(&self, step: usize, total: usize) -> f64 {
        let warmup = self.warmup * total as f64;
        let at = step as f64;
        let share = if at < warmup {
            (at + 1.0) / (warmup + 1.0)
        } else {
            match self.schedule {
                Schedule::Cosine => {
                    let done = (at - warmup) / (total as f64 - warmup);
                    0.5 * (1.0 + (std::f64::consts::PI * done).cos())
                }
                Schedule::Steps => self.factor_after(step * self.epochs / total),
            }
        };
        self.learning_rate * share
    }

    /// Returns the product of the factors that apply after `epochs` finished epochs.
    fn factor_after(&self, epochs: usize) -> f64 {
        self.steps
            .iter()
            .filter(|s| s.after <= epochs)
            .map(|s| s.factor)
            .product()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::options::{RateStep, Sam};

    #[test]
    fn rate_rises_to_peak_and_falls_to_zero() {
        let recipe = Recipe::default();
        let rates: Vec<f64> = (0..1000)
            .map(|s| recipe.learning_rate_at(s, 1000))
            .collect();
        assert!(rates[0] < 0.01 * recipe.learning_rate);
        assert!((rates[100] - recipe.learning_rate).abs() < 1e-9);
        assert!(rates[..100].is_sorted() && rates[100..].is_sorted_by(|a, b| a >= b));
        assert!(rates[999] < 1e-4 * recipe.learning_rate);
    }

    #[test]
    fn steps_multiply_rate_after_their_epoch() {
        let step = |after, factor| RateStep { after, factor };
        let recipe = Recipe {
            epochs: 200,
            learning_rate: 1e-3,
            warmup: 0.0,
            schedule: Schedule::Steps,
            steps: vec![
                step(80, 0.1),
                step(120, 0.1),
                step(160, 0.1),
                step(180, 0.5),
            ],
            ..Recipe::default()
        };
        let per_epoch = 7;
        let rate = |epoch: usize, step: usize| {
            recipe.learning_rate_at(epoch * per_epoch + step, 200 * per_epoch)
        };
        for (epoch, step, expected) in [
            (0, 0, 1e-3),
            (79, 6, 1e-3),
            (80, 0, 1e-4),
            (120, 0, 1e-5),
            (159, 6, 1e-5),
            (160, 0, 1e-6),
            (180, 0, 5e-7),
            (199, 6, 5e-7),
        ] {
            let found = rate(epoch, step);
            assert!(
                (found / expected - 1.0).abs() < 1e-9,
                "epoch {epoch}, step {step}: {found}"
            );
        }
    }

    #[test]
    fn last_epochs_leave_faces_unwarped() {
        let mut recipe = Recipe {
            epochs: 10,
            ..Recipe::default()
        };
        assert!((0..10).all(|epoch| recipe.augment(epoch) == recipe.augment));
        recipe.augment.warp_until = 0.8;
        let warped: Vec<bool> = (0..10)
            .map(|epoch| recipe.augment(epoch) == recipe.augment)
            .collect();
        assert_eq!(warped, [[true; 8].as_slice(), &[false; 2]].concat());
        assert_eq!(
            recipe.augment(9),
            Augment {
                warp: 0.0,
                ..recipe.augment
            }
        );
    }

    #[test]
    fn sharpness_aware_epochs_are_last_share_of_run() {
        let sam_epochs = |share: Option<f64>| -> Vec<usize> {
            let sam = share.map(|share| Sam { rho: 0.1, share });
            let recipe = Recipe {
                epochs: 10,
                sam,
                ..Recipe::default()
            };
            (0..10)
                .filter(|&epoch| recipe.sam_radius(epoch) == Some(0.1))
                .collect()
        };
        assert_eq!(sam_epochs(None), [0; 0]);
        assert_eq!(sam_epochs(Some(0.01)), [9]);
        assert_eq!(sam_epochs(Some(0.2)), [8, 9]);
        assert_eq!(sam_epochs(Some(0.7)), [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(sam_epochs(Some(1.0)).len(), 10);
    }

    #[test]
    fn sizes_follow_epochs() {
        let recipe = Recipe {
            epochs: 10,
            ..Recipe::default()
        };
        let sides: Vec<usize> = (0..10).map(|e| recipe.side(e)).collect();
        assert_eq!(sides, [24, 24, 24, 24, 36, 36, 36, 48, 48, 48]);
    }
}
