//! Validation of a recipe's values.

use super::{
    Recipe, RecipeError,
    options::{ClassWeights, Distill},
};

/// A key, whether its value is valid, and a description of valid values.
type Check = (&'static str, bool, &'static str);

/// Returns an error for the first key whose value is out of range.
pub(super) fn check(recipe: &Recipe) -> Result<(), RecipeError> {
    let rules = [
        &general(recipe)[..],
        &optimiser(recipe),
        &loss(recipe),
        &distillation(recipe),
        &augmentation(recipe),
    ]
    .concat();
    match rules.into_iter().find(|(_, valid, _)| !valid) {
        Some((key, _, range)) => Err(RecipeError::Range { key, range }),
        None => Ok(()),
    }
}

/// Returns whether `x` is in `[0, 1)`.
fn is_share(x: f64) -> bool {
    (0.0..1.0).contains(&x)
}

/// Returns whether `x` is in `[0, 1]`.
fn is_probability(x: f64) -> bool {
    (0.0..=1.0).contains(&x)
}

fn positive(x: f64) -> bool {
    x > 0.0 && x.is_finite()
}

fn not_negative(x: f64) -> bool {
    x >= 0.0 && x.is_finite()
}

fn general(recipe: &Recipe) -> [Check; 10] {
    let micro_batch = recipe.micro_batch.is_none_or(|size| size > 1);
    let one_initialisation = recipe.init.is_none() || !recipe.zero_init_residual;
    [
        (
            "init",
            one_initialisation,
            "absent when `zero_init_residual` is true",
        ),
        (
            "micro_batch",
            micro_batch,
            "at least 2 (batch-norm needs a variance)",
        ),
        ("epochs", recipe.epochs > 0, "at least 1"),
        (
            "batch",
            recipe.batch > 1,
            "at least 2 (batch-norm needs a variance)",
        ),
        ("holdout", is_share(recipe.holdout), "in [0, 1)"),
        ("ema", is_share(recipe.ema), "in [0, 1)"),
        ("dropout", is_share(recipe.dropout), "in [0, 1)"),
        ("head_dropout", is_share(recipe.head_dropout), "in [0, 1)"),
        (
            "stochastic_depth",
            is_share(recipe.stochastic_depth),
            "in [0, 1)",
        ),
        (
            "sizes",
            sizes_are_valid(recipe),
            "phases with rising `until`, the last 1.0, and `side` from 16 to 48",
        ),
    ]
}

fn sizes_are_valid(recipe: &Recipe) -> bool {
    let rising = recipe
        .sizes
        .windows(2)
        .all(|pair| pair[0].until < pair[1].until);
    let sides = recipe
        .sizes
        .iter()
        .all(|phase| (16..=48).contains(&phase.side));
    rising && sides && recipe.sizes.last().is_some_and(|phase| phase.until == 1.0)
}

fn optimiser(recipe: &Recipe) -> [Check; 14] {
    let sam = recipe.sam.unwrap_or_default();
    let rising = recipe
        .steps
        .windows(2)
        .all(|pair| pair[0].after < pair[1].after);
    let factors = recipe.steps.iter().all(|step| positive(step.factor));
    [
        ("learning_rate", positive(recipe.learning_rate), "above 0"),
        ("warmup", is_share(recipe.warmup), "in [0, 1)"),
        (
            "steps",
            rising && factors,
            "a list of {after, factor} with rising `after` and factors above 0",
        ),
        ("momentum", is_share(recipe.momentum), "in [0, 1)"),
        ("rmsprop.rho", is_share(recipe.rmsprop.rho), "in [0, 1)"),
        (
            "rmsprop.epsilon",
            positive(recipe.rmsprop.epsilon),
            "above 0",
        ),
        ("adamw.beta1", is_share(recipe.adamw.beta1), "in [0, 1)"),
        ("adamw.beta2", is_share(recipe.adamw.beta2), "in [0, 1)"),
        ("adamw.epsilon", positive(recipe.adamw.epsilon), "above 0"),
        ("weight_decay", is_share(recipe.weight_decay), "in [0, 1)"),
        ("l2", is_share(recipe.l2), "in [0, 1)"),
        ("sam.rho", positive(sam.rho), "above 0"),
        (
            "sam.share",
            sam.share > 0.0 && sam.share <= 1.0,
            "in (0, 1]",
        ),
        (
            "clip_norm",
            not_negative(recipe.clip_norm),
            "at least 0 (0 for none)",
        ),
    ]
}

fn loss(recipe: &Recipe) -> [Check; 3] {
    let weights = match recipe.class_weights {
        ClassWeights::Rule(_) => true,
        ClassWeights::Values(values) => values.into_iter().all(positive),
    };
    [
        (
            "label_smoothing",
            is_share(recipe.label_smoothing),
            "in [0, 1)",
        ),
        (
            "mixup",
            not_negative(recipe.mixup) && recipe.mixup <= 100.0,
            "in [0, 100] (0 for none)",
        ),
        (
            "class_weights",
            weights,
            "\"none\", \"balanced\" or seven numbers above 0",
        ),
    ]
}

fn distillation(recipe: &Recipe) -> Vec<Check> {
    let Some(distill) = &recipe.distill else {
        return Vec::new();
    };
    vec![
        (
            "distill.teachers",
            !distill.teachers.is_empty(),
            "a list of at least one model file or run folder",
        ),
        (
            "distill.teacher_weights",
            teacher_weights_are_valid(distill),
            "one number above 0 per teacher, or absent for equal weights",
        ),
        (
            "distill.weight",
            distill.weight > 0.0 && distill.weight <= 1.0,
            "in (0, 1]",
        ),
        (
            "distill.temperature",
            (0.1..=100.0).contains(&distill.temperature),
            "in [0.1, 100]",
        ),
    ]
}

fn teacher_weights_are_valid(distill: &Distill) -> bool {
    let weights = &distill.teacher_weights;
    let count = weights.is_empty() || weights.len() == distill.teachers.len();
    // The sum must be finite, because every weight is divided by it.
    count && weights.iter().copied().all(positive) && weights.iter().sum::<f64>().is_finite()
}

fn augmentation(recipe: &Recipe) -> [Check; 11] {
    let augment = &recipe.augment;
    [
        ("augment.flip", is_probability(augment.flip), "in [0, 1]"),
        ("augment.warp", is_probability(augment.warp), "in [0, 1]"),
        (
            "augment.warp_until",
            is_probability(augment.warp_until),
            "in [0, 1]",
        ),
        (
            "augment.rotation",
            (0.0..=180.0).contains(&augment.rotation),
            "in [0, 180] degrees",
        ),
        ("augment.scale", is_share(augment.scale), "in [0, 1)"),
        ("augment.shift", is_probability(augment.shift), "in [0, 1]"),
        (
            "augment.brightness",
            is_probability(augment.brightness),
            "in [0, 1]",
        ),
        (
            "augment.contrast",
            is_probability(augment.contrast),
            "in [0, 1]",
        ),
        (
            "augment.erasing",
            is_probability(augment.erasing),
            "in [0, 1]",
        ),
        (
            "augment.cutout",
            is_probability(augment.cutout),
            "in [0, 1]",
        ),
        (
            "augment.cutout_side",
            is_probability(augment.cutout_side),
            "in [0, 1]",
        ),
    ]
}
