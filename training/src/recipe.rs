//! Recipes: the settings of a training run. They are read from TOML and saved in every run's folder.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{augment::Augment, torch::device::Precision, tta::Tta};

mod error;
pub mod options;
mod schedule;
mod validate;

pub use error::RecipeError;
use options::{
    AdamWKeys, ClassWeightRule, ClassWeights, Distill, OptimizerKind, Phase, RateStep, RmsPropKeys,
    Sam, Schedule,
};

/// The file's name in the folders of runs and models.
pub const FILE_NAME: &str = "recipe.toml";

/// Settings of a training run. A missing key has the value of [`Recipe::default`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Passes over the training faces.
    pub epochs: usize,
    /// Faces per step.
    pub batch: usize,
    /// Faces per micro-batch, each with its own batch-norm statistics: ghost batch normalisation (Hoffer et al. 2017,
    /// section 4). Threads process micro-batches in parallel, which is faster on a CPU. `None` for no split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_batch: Option<usize>,
    /// Seed of the initial weights, order, augmentation and the random masks of dropout and stochastic depth.
    pub seed: u64,
    /// Folder of a run of the same network whose averaged weights are the initial weights; `None` for random weights. With
    /// a high learning rate this is a warm restart (Loshchilov and Hutter 2017, section 3), with a low one fine-tuning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<PathBuf>,
    /// Share of every class of the training faces that is held out for model selection and never trained on.
    pub holdout: f64,
    /// The optimiser.
    pub optimizer: OptimizerKind,
    /// Highest learning rate, reached at the end of the warm-up.
    pub learning_rate: f64,
    /// Share of all steps in which the rate rises linearly (Goyal et al. 2017, section 2.2).
    pub warmup: f64,
    /// Learning rate schedule after the warm-up.
    pub schedule: Schedule,
    /// Changes of the learning rate, for `schedule = "steps"`.
    pub steps: Vec<RateStep>,
    /// Nesterov momentum of SGD (Sutskever et al. 2013, section 2).
    pub momentum: f64,
    /// Weight decay of convolution kernels and dense weights, but not of biases and batch norms. SGD and RMSprop add
    /// `weight_decay * w` to the gradient; AdamW decays the weight itself (Loshchilov and Hutter 2019, algorithm 2).
    pub weight_decay: f64,
    /// Keras' `l2(x)` on convolution kernels only: `x * w^2` in the loss, so `2 x w` in the gradient, for every optimiser.
    /// The reported loss does not include it.
    pub l2: f64,
    /// Maximum norm of all gradients together (Pascanu et al. 2013, algorithm 1); 0 for no limit.
    pub clip_norm: f64,
    /// Label smoothing (Szegedy et al. 2016, section 7).
    pub label_smoothing: f64,
    /// `alpha` of mixup: the share is drawn from Beta(alpha, alpha) once per batch (Zhang et al. 2018, section 2). 0
    /// disables it.
    pub mixup: f64,
    /// Weight of each class in the loss.
    pub class_weights: ClassWeights,
    /// Dropout of DenseNets, after each convolution of a bottleneck and a transition (Srivastava et al. 2014).
    pub dropout: f64,
    /// Dropout before the last layer of any network (Srivastava et al. 2014, section 4).
    pub head_dropout: f64,
    /// Stochastic depth: the probability with which the last residual block drops its branch in training. That of earlier
    /// blocks is proportional to their position (Huang et al. 2016, section 3).
    pub stochastic_depth: f64,
    /// Whether every residual block is initialised as the identity (Goyal et al. 2017, section 5.1). Deep networks then
    /// learn from the first step instead of after hundreds.
    pub zero_init_residual: bool,
    /// Decay per step of the averaged weights (Polyak and Juditsky 1992). The averaged weights are exported.
    pub ema: f64,
    /// Number format of convolutions and activations.
    pub precision: Precision,
    /// Progressive sizes (Tan and Le 2021, section 4).
    pub sizes: Vec<Phase>,
    /// Test-time augmentation (Krizhevsky et al. 2012, section 4.1). The report lists its accuracy separately.
    pub tta: Tta,
    /// Parameters of RMSprop.
    pub rmsprop: RmsPropKeys,
    /// Parameters of AdamW.
    pub adamw: AdamWKeys,
    /// Sharpness-aware minimisation in the last epochs; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sam: Option<Sam>,
    /// Augmentation of the training faces.
    pub augment: Augment,
    /// Distillation from teachers; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distill: Option<Distill>,
}

impl Default for Recipe {
    fn default() -> Self {
        let phase = |until, side| Phase { until, side };
        Self {
            epochs: 30,
            batch: 128,
            micro_batch: None,
            seed: 1,
            init: None,
            holdout: 0.0,
            optimizer: OptimizerKind::Sgd,
            learning_rate: 0.1,
            warmup: 0.1,
            schedule: Schedule::Cosine,
            steps: Vec::new(),
            momentum: 0.9,
            weight_decay: 5e-4,
            l2: 0.0,
            clip_norm: 0.0,
            label_smoothing: 0.1,
            mixup: 0.0,
            class_weights: ClassWeights::Rule(ClassWeightRule::None),
            dropout: 0.0,
            head_dropout: 0.0,
            stochastic_depth: 0.0,
            zero_init_residual: false,
            ema: 0.998,
            precision: Precision::Auto,
            sizes: vec![phase(0.4, 24), phase(0.7, 36), phase(1.0, 48)],
            tta: Tta::None,
            rmsprop: RmsPropKeys::default(),
            adamw: AdamWKeys::default(),
            sam: None,
            augment: Augment::default(),
            distill: None,
        }
    }
}

impl Recipe {
    /// Reads and validates a file. Missing keys have their defaults.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, has an unknown key, or a value is out of range.
    pub fn read(path: &Path) -> Result<Self, RecipeError> {
        let text = std::fs::read_to_string(path).map_err(|source| RecipeError::Read {
            path: path.to_owned(),
            source,
        })?;
        let recipe: Self = toml::from_str(&text).map_err(|source| RecipeError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        recipe.checked()
    }

    /// Returns the recipe if every value is in its range.
    ///
    /// # Errors
    /// Returns the first key whose value is out of range.
    pub fn checked(self) -> Result<Self, RecipeError> {
        validate::check(&self)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
