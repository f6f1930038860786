//! How a network is trained: read from TOML, saved beside every run.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{augment::Augment, torch::device::Precision, tta::Tta};

pub mod choices;
mod error;
mod range;
mod schedule;

use choices::{
    AdamWKeys, ClassWeightRule, ClassWeights, Distill, OptimizerKind, Phase, RateStep, RmsPropKeys,
    Sam, Schedule,
};
pub use error::RecipeError;

/// Every choice of a training run. A key that a file leaves out has the value of [`Recipe::default`].
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
    /// Fixes initial weights, order, augmentation and the random masks of dropout and stochastic depth.
    pub seed: u64,
    /// Folder of a run of the same network whose averaged weights are the first ones; `None`: random ones. With a high
    /// learning rate a warm restart (Loshchilov and Hutter 2017, section 3), with a low one fine-tuning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<PathBuf>,
    /// Share of every class of the training faces kept for choices and never trained on.
    pub holdout: f64,
    /// What turns gradients into changes of the weights.
    pub optimizer: OptimizerKind,
    /// Highest learning rate, reached at the end of the warm-up.
    pub learning_rate: f64,
    /// Share of all steps in which the rate climbs linearly (Goyal et al. 2017, section 2.2).
    pub warmup: f64,
    /// How the rate goes on after the warm-up.
    pub schedule: Schedule,
    /// Falls of the learning rate, for `schedule = "steps"`.
    pub steps: Vec<RateStep>,
    /// Nesterov momentum of SGD (Sutskever et al. 2013, section 2).
    pub momentum: f64,
    /// Decay of kernels and dense weights; none on biases and batch-norms. SGD and RMSprop add `weight_decay * w` to the
    /// gradient; AdamW takes it off the weight itself (Loshchilov and Hutter 2019, algorithm 2).
    pub weight_decay: f64,
    /// Keras' `l2(x)` on convolution kernels alone: `x * w^2` in the loss, so `2 x w` in the gradient, whatever the
    /// optimiser. The reported loss leaves it out.
    pub l2: f64,
    /// Largest norm of all gradients together, to which longer ones are shortened (Pascanu et al. 2013, algorithm 1);
    /// 0 for none.
    pub clip_norm: f64,
    /// Label smoothing (Szegedy et al. 2016, section 7).
    pub label_smoothing: f64,
    /// `alpha` of mixup, whose shares are drawn from Beta(alpha, alpha) once a batch (Zhang et al. 2018, section 2); 0
    /// for none.
    pub mixup: f64,
    /// How much a face of each class counts.
    pub class_weights: ClassWeights,
    /// Dropout of DenseNets, after each convolution of a bottleneck and a transition (Srivastava et al. 2014).
    pub dropout: f64,
    /// Dropout before the last layer of any network (Srivastava et al. 2014, section 4).
    pub head_dropout: f64,
    /// Stochastic depth: the probability with which the last residual block drops its branch in training. That of earlier
    /// blocks is proportional to their position (Huang et al. 2016, section 3).
    pub stochastic_depth: f64,
    /// Whether every residual block begins as the identity (Goyal et al. 2017, section 5.1): deep networks learn
    /// from the first step instead of after hundreds.
    pub zero_init_residual: bool,
    /// Decay a step of the averaged weights (Polyak and Juditsky 1992), which are what is exported.
    pub ema: f64,
    /// Number format of convolutions and activations.
    pub precision: Precision,
    /// Progressive sizes (Tan and Le 2021, section 4).
    pub sizes: Vec<Phase>,
    /// Views averaged at test time (Krizhevsky et al. 2012, section 4.1), a figure of its own in the report.
    pub tta: Tta,
    /// RMSprop's own keys.
    pub rmsprop: RmsPropKeys,
    /// AdamW's own keys.
    pub adamw: AdamWKeys,
    /// Sharpness-aware minimisation in the last epochs; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sam: Option<Sam>,
    /// Changes to the training faces.
    pub augment: Augment,
    /// Teachers; none by default.
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
        range::check(&self)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{choices::Targets, *};

    /// As the first version of the program saved it.
    const FIRST: &str = "epochs = 24\nbatch = 128\nseed = 1\nholdout = 0.0\nlearning_rate = 0.1\n\
        warmup = 0.1\nmomentum = 0.9\nweight_decay = 0.0005\nlabel_smoothing = 0.05\nema = 0.998\n\
        precision = \"fp32\"\n\n[[sizes]]\nuntil = 1.0\nside = 48\n\n[augment]\nflip = 0.5\n\
        rotation = 6.0\nscale = 0.08\nshift = 0.05\nbrightness = 0.08\ncontrast = 0.1\n\
        cutout = 0.0\ncutout_side = 0.25\n";

    #[test]
    fn unknown_keys_and_values_out_of_range_are_refused_by_name() {
        assert!(toml::from_str::<Recipe>("epoch = 3").is_err());
        for (text, key) in [
            ("ema = 1.0", "`ema`"),
            ("micro_batch = 1", "`micro_batch`"),
            ("head_dropout = 1.0", "`head_dropout`"),
            ("stochastic_depth = 1.0", "`stochastic_depth`"),
            ("init = \"runs/a\"\nzero_init_residual = true", "`init`"),
            ("l2 = nan", "`l2`"),
            ("mixup = -0.1", "`mixup`"),
            ("steps = [{ after = 3, factor = 0.1 }, { after = 3, factor = 0.1 }]", "`steps`"),
            ("class_weights = [1, 1, 1, 0, 1, 1, 1]", "`class_weights`"),
            ("[rmsprop]\nepsilon = 0.0", "`rmsprop.epsilon`"),
            ("[sam]\nrho = 0.0", "`sam.rho`"),
            ("[sam]\nshare = 0.0", "`sam.share`"),
            ("[sam]\nshare = 1.1", "`sam.share`"),
            ("[augment]\nshift = inf", "`augment.shift`"),
            ("[augment]\nwarp = 1.1", "`augment.warp`"),
            ("[augment]\nwarp_until = 1.1", "`augment.warp_until`"),
            ("[augment]\nerasing = 1.1", "`augment.erasing`"),
            ("[distill]\nteachers = []", "`distill.teachers`"),
            (
                "[distill]\nteachers = [\"a\", \"b\"]\nteacher_weights = [1.0]",
                "`distill.teacher_weights`",
            ),
            (
                "[distill]\nteachers = [\"a\", \"b\"]\nteacher_weights = [1.0, 0.0]",
                "`distill.teacher_weights`",
            ),
        ] {
            let error = toml::from_str::<Recipe>(text).unwrap().checked().unwrap_err();
            assert!(error.to_string().contains(key), "{text}: {error}");
        }
    }

    #[test]
    fn a_saved_recipe_reads_back_and_one_of_the_first_version_still_does() {
        let everything = Recipe {
            init: Some("runs/a".into()),
            class_weights: ClassWeights::Values([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]),
            steps: vec![RateStep { after: 80, factor: 0.1 }],
            sam: Some(Sam::default()),
            distill: Some(Distill {
                teachers: vec!["models/a/1/model.onnx".into()],
                teacher_weights: vec![2.0],
                weight: 0.5,
                temperature: 4.0,
                targets: Targets::Cached,
            }),
            ..Recipe::default()
        };
        for recipe in [Recipe::default(), everything] {
            let text = toml::to_string(&recipe).unwrap();
            assert_eq!(toml::from_str::<Recipe>(&text).unwrap(), recipe, "{text}");
        }
        let first: Recipe = toml::from_str(FIRST).unwrap();
        assert_eq!(first.optimizer, OptimizerKind::Sgd);
        assert_eq!(first.distill, None);
    }

    #[test]
    fn every_committed_recipe_is_valid() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
        let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
        assert!(files.len() >= 4);
        for file in files {
            Recipe::read(&file).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
