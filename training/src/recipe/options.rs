//! Types of recipe keys that are not plain numbers.

use std::path::PathBuf;

use mien_faces::expression::Expression;
use serde::{Deserialize, Serialize};

/// A phase of the run with faces of one size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// End of the phase as a share of all epochs. The last phase ends at 1.
    pub until: f64,
    /// Height and width of the faces, px, 16 to 48.
    pub side: usize,
}

/// Optimisers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Stochastic gradient descent with Nesterov momentum: key `momentum`.
    Sgd,
    /// RMSprop: keys `[rmsprop]`.
    RmsProp,
    /// Adam with decoupled weight decay: keys `[adamw]`.
    AdamW,
}

/// Parameters of RMSprop (Tieleman and Hinton 2012, lecture 6.5).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RmsPropKeys {
    /// Decay per step of the mean square of the gradient. The default is that of Keras.
    pub rho: f64,
    /// Added to the mean square, under the root. The default is that of Keras.
    pub epsilon: f64,
}

impl Default for RmsPropKeys {
    fn default() -> Self {
        Self {
            rho: 0.9,
            epsilon: 1e-7,
        }
    }
}

/// Parameters of AdamW (Kingma and Ba 2015, algorithm 1).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamWKeys {
    /// Decay per step of the mean of the gradient.
    pub beta1: f64,
    /// Decay per step of the mean square of the gradient.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub epsilon: f64,
}

impl Default for AdamWKeys {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

/// Sharpness-aware minimisation in the last epochs, whose steps take two passes (Foret et al. 2021, algorithm 1). The last
/// epochs give most of its effect (Zhou et al. 2024, "Sharpness-Aware Minimization Efficiently Selects Flatter Minima Late in
/// Training", section 3).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sam {
    /// Radius of the neighbourhood whose highest loss is minimised, in units of the weights, above 0.
    pub rho: f64,
    /// Share of the epochs, at the end of the run, in `(0, 1]`; at least one epoch.
    pub share: f64,
}

impl Default for Sam {
    fn default() -> Self {
        Self {
            rho: 0.05,
            share: 0.2,
        }
    }
}

/// Learning rate schedules after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Half a cosine to zero (Loshchilov and Hutter 2017, section 3, without restarts).
    Cosine,
    /// Constant except for the factors of `steps`.
    Steps,
}

/// A change of the learning rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateStep {
    /// Number of finished epochs after which the change applies.
    pub after: usize,
    /// Factor that multiplies the previous rate.
    pub factor: f64,
}

/// Factor of the loss per class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ClassWeights {
    /// By a rule.
    Rule(ClassWeightRule),
    /// One weight per class, in the order angry, disgust, fear, happy, neutral, sad, surprise.
    Values([f64; Expression::COUNT]),
}

/// Rules for the weights of the classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeightRule {
    /// Every face has the weight 1.
    None,
    /// Every class has the same total weight: `faces / (classes * faces of the class)` (King and Zeng 2001).
    Balanced,
}

/// Distillation: the network learns the outputs of teachers in addition to the labels. Hinton, Vinyals, Dean, "Distilling
/// the Knowledge in a Neural Network" (2015), section 2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distill {
    /// Exported model files (`model.onnx`) and folders of completed runs. The target is the weighted mean of their
    /// probabilities.
    pub teachers: Vec<PathBuf>,
    /// Weights of the teachers in that mean, in the order of `teachers`: the linear opinion pool (Stone 1961, "The Opinion
    /// Pool"). Only their ratios matter. Empty for equal weights.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub teacher_weights: Vec<f64>,
    /// Share `w` of the teachers in the loss: `(1 - w) CE + w T^2 KL(teachers_T || network_T)`.
    #[serde(default = "default_weight")]
    pub weight: f64,
    /// Temperature `T` of the teachers' and the network's softmax.
    #[serde(default = "default_temperature")]
    pub temperature: f64,
    /// How the teachers' soft targets are computed.
    #[serde(default)]
    pub targets: Targets,
}

impl Distill {
    /// Returns the share of each teacher in the mean of their probabilities. The shares sum to 1.
    pub fn shares(&self) -> Vec<f32> {
        if self.teacher_weights.is_empty() {
            return vec![1.0 / self.teachers.len() as f32; self.teachers.len()];
        }
        let sum: f64 = self.teacher_weights.iter().sum();
        self.teacher_weights
            .iter()
            .map(|weight| (weight / sum) as f32)
            .collect()
    }
}

/// How the teachers' soft targets are computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Targets {
    /// In every epoch, from the same augmented image that the student gets (Beyer et al. 2022, section 3).
    #[default]
    Online,
    /// Once per face, from the unchanged face and its mirror image, and reused for all augmented images of the face. This
    /// mode is much cheaper.
    Cached,
}

fn default_weight() -> f64 {
    0.5
}

fn default_temperature() -> f64 {
    2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn teacher_shares_are_normalised_and_equal_by_default() {
        let shares = |keys: &str| -> Vec<f32> {
            let text = format!("teachers = [\"a\", \"b\"]\n{keys}");
            toml::from_str::<Distill>(&text).unwrap().shares()
        };
        assert_eq!(shares(""), [0.5, 0.5]);
        assert_eq!(shares("teacher_weights = [3.0, 1.0]"), [0.75, 0.25]);
    }
}
