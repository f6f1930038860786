//! How a network is trained: read from TOML, saved beside every run.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{augment::Augment, torch::device::Precision, tta::Tta};

/// A recipe that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The file cannot be read.
    #[error("cannot read the recipe {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, a value of another type.
    #[error("the recipe {path} is not valid: {source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why, with the line.
        source: Box<toml::de::Error>,
    },
    /// A value out of its range.
    #[error("recipe key `{key}` must be {range}")]
    Range {
        /// The key.
        key: &'static str,
        /// What it may be.
        range: &'static str,
    },
}

/// A part of the run with faces of one side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Where it ends, as a share of all epochs; the last one ends at 1.
    pub until: f64,
    /// Side of the faces, px.
    pub side: usize,
}

/// Every choice of a training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Passes over the training faces.
    pub epochs: usize,
    /// Faces a step.
    pub batch: usize,
    /// Faces whose batch-norm statistics are taken together: ghost batch normalisation (Hoffer et al. 2017,
    /// section 4). The threads then work on micro-batches side by side, which is faster on a CPU. `None`: the batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_batch: Option<usize>,
    /// Fixes initial weights, order and augmentation.
    pub seed: u64,
    /// Whether every residual block begins as the identity (Goyal et al. 2017, section 5.1): deep networks learn
    /// from the first step instead of after hundreds.
    pub zero_init_residual: bool,
    /// Share of every class of the training faces kept for choices and never trained on.
    pub holdout: f64,
    /// Highest learning rate, reached at the end of the warm-up.
    pub learning_rate: f64,
    /// Share of all steps in which the rate climbs linearly; a half cosine to zero follows (Loshchilov and Hutter 2017).
    pub warmup: f64,
    /// Nesterov momentum (Sutskever et al. 2013).
    pub momentum: f64,
    /// L2 on kernels and dense weights; none on biases and batch-norms.
    pub weight_decay: f64,
    /// Label smoothing (Szegedy et al. 2016, section 7).
    pub label_smoothing: f64,
    /// Decay a step of the averaged weights (Polyak and Juditsky 1992), which are what is exported.
    pub ema: f64,
    /// Number format of convolutions and activations.
    pub precision: Precision,
    /// Progressive sizes (Tan and Le 2021, section 4).
    pub sizes: Vec<Phase>,
    /// Views averaged at test time (Krizhevsky et al. 2012, section 4.1), a figure of its own in the report.
    pub tta: Tta,
    /// Changes to the training faces.
    pub augment: Augment,
}

impl Default for Recipe {
    fn default() -> Self {
        let phase = |until, side| Phase { until, side };
        Self {
            epochs: 30,
            micro_batch: None,
            zero_init_residual: false,
            batch: 128,
            seed: 1,
            holdout: 0.0,
            learning_rate: 0.1,
            warmup: 0.1,
            momentum: 0.9,
            weight_decay: 5e-4,
            label_smoothing: 0.1,
            ema: 0.998,
            precision: Precision::Auto,
            sizes: vec![phase(0.4, 24), phase(0.7, 36), phase(1.0, 48)],
            tta: Tta::None,
            augment: Augment::default(),
        }
    }
}

impl Recipe {
    /// Reads and checks a file; keys that it leaves out have their defaults.
    ///
    /// # Errors
    /// Where it cannot be read, has an unknown key, or a value is out of range.
    pub fn read(path: &Path) -> Result<Self, RecipeError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| RecipeError::Read { path: path.to_owned(), source })?;
        let recipe: Self = toml::from_str(&text).map_err(|source| RecipeError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        recipe.checked()
    }

    /// The recipe, where every value is in its range.
    ///
    /// # Errors
    /// The first key out of its range.
    pub fn checked(self) -> Result<Self, RecipeError> {
        let share = |x: f64| (0.0..1.0).contains(&x);
        let rules = [
            ("epochs", self.epochs > 0, "at least 1"),
            ("batch", self.batch > 1, "at least 2 (batch-norm needs a variance)"),
            (
                "micro_batch",
                self.micro_batch != Some(0) && self.micro_batch != Some(1),
                "at least 2",
            ),
            ("holdout", share(self.holdout), "in [0, 1)"),
            (
                "learning_rate",
                self.learning_rate > 0.0 && self.learning_rate.is_finite(),
                "above 0",
            ),
            ("warmup", share(self.warmup), "in [0, 1)"),
            ("momentum", share(self.momentum), "in [0, 1)"),
            ("weight_decay", share(self.weight_decay), "in [0, 1)"),
            ("label_smoothing", share(self.label_smoothing), "in [0, 1)"),
            ("ema", share(self.ema), "in [0, 1)"),
            (
                "sizes",
                self.sizes_fit(),
                "phases with rising `until`, the last 1.0, and sides from 16 to 48",
            ),
            ("augment.flip", (0.0..=1.0).contains(&self.augment.flip), "in [0, 1]"),
            ("augment.cutout", (0.0..=1.0).contains(&self.augment.cutout), "in [0, 1]"),
            ("augment.scale", (0.0..1.0).contains(&self.augment.scale), "in [0, 1)"),
        ];
        match rules.into_iter().find(|(_, fits, _)| !fits) {
            Some((key, _, range)) => Err(RecipeError::Range { key, range }),
            None => Ok(self),
        }
    }

    fn sizes_fit(&self) -> bool {
        let rising = self.sizes.windows(2).all(|pair| pair[0].until < pair[1].until);
        let sides = self.sizes.iter().all(|phase| (16..=48).contains(&phase.side));
        rising && sides && self.sizes.last().is_some_and(|phase| phase.until == 1.0)
    }

    /// Side of the faces in an epoch (from 0), px.
    pub fn side(&self, epoch: usize) -> usize {
        let done = epoch as f64 / self.epochs as f64;
        let phase = self.sizes.iter().find(|phase| done < phase.until).or(self.sizes.last());
        phase.expect("a checked recipe has phases").side
    }

    /// Learning rate of a step out of `total`.
    pub fn learning_rate_at(&self, step: usize, total: usize) -> f64 {
        let warmup = self.warmup * total as f64;
        let step = step as f64;
        let share = if step < warmup {
            (step + 1.0) / (warmup + 1.0)
        } else {
            let done = (step - warmup) / (total as f64 - warmup);
            0.5 * (1.0 + (std::f64::consts::PI * done).cos())
        };
        self.learning_rate * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_climbs_to_its_peak_and_falls_to_zero() {
        let recipe = Recipe::default();
        let rates: Vec<f64> = (0..1000).map(|s| recipe.learning_rate_at(s, 1000)).collect();
        assert!(rates[0] < 0.01 * recipe.learning_rate);
        assert!((rates[100] - recipe.learning_rate).abs() < 1e-9);
        assert!(rates[..100].is_sorted() && rates[100..].is_sorted_by(|a, b| a >= b));
        assert!(rates[999] < 1e-4 * recipe.learning_rate);
    }

    #[test]
    fn sizes_follow_the_epochs() {
        let recipe = Recipe { epochs: 10, ..Recipe::default() };
        let sides: Vec<usize> = (0..10).map(|e| recipe.side(e)).collect();
        assert_eq!(sides, [24, 24, 24, 24, 36, 36, 36, 48, 48, 48]);
    }

    #[test]
    fn unknown_keys_and_values_out_of_range_are_refused_by_name() {
        assert!(toml::from_str::<Recipe>("epoch = 3").is_err());
        let error = Recipe { ema: 1.0, ..Recipe::default() }.checked().unwrap_err();
        assert!(error.to_string().contains("`ema`"));
        let text = toml::to_string(&Recipe::default()).unwrap();
        assert_eq!(toml::from_str::<Recipe>(&text).unwrap(), Recipe::default());
    }
}
