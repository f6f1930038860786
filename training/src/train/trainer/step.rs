//! One training step: gradients of a batch, then an update of the weights.

use std::time::{Duration, Instant};

use tch::{Device, Kind, Tensor};

use super::{Trainer, error::TrainError, loss::Loss, sam::Ascent};
use crate::{
    batches::{self, Batch, MicroBatch},
    recipe::{Recipe, options::OptimizerKind},
    torch::{
        masks::Masks,
        network::{Mode, Network, Statistics},
        weights::Weights,
    },
};

/// Loss and timings of a step, or of one micro-batch of it.
#[derive(Debug, Clone, Copy)]
struct Measured {
    /// Mean loss of the batch. For a micro-batch, its share of that mean.
    loss: f64,
    /// Number of correctly classified faces.
    correct: i64,
    /// Duration of the forward pass, from images to loss.
    forward: Duration,
    /// Duration of the backward pass, from loss to gradients.
    backward: Duration,
}

impl Trainer {
    /// Trains on one batch. `steps` is the number of steps per epoch.
    pub(super) fn step(
        &mut self,
        batch: &Batch,
        loss: &Loss,
        steps: usize,
    ) -> Result<(), TrainError> {
        let measured = match self.recipe.sam_radius(self.state.epoch) {
            Some(rho) => self.sharpness_aware_gradients(batch, loss, rho)?,
            None => self.gradients(batch, loss, Statistics::Update)?,
        };
        let rate = self
            .recipe
            .learning_rate_at(self.state.total_steps, steps * self.recipe.epochs);
        if !measured.loss.is_finite() {
            return Err(self.diverged(measured.loss, rate));
        }
        let start = Instant::now();
        self.optimizer
            .step(&self.weights, rate, self.state.total_steps + 1)?;
        self.ema.update(&self.weights, self.state.total_steps)?;
        self.timings.forward += measured.forward;
        self.timings.backward += measured.backward;
        self.timings.step += start.elapsed();
        self.state.step += 1;
        self.state.total_steps += 1;
        self.state.loss_sum += measured.loss * batch.len() as f64;
        self.state.correct += measured.correct;
        self.state.seen += batch.len();
        Ok(())
    }

    /// Computes the gradients of a batch's mean loss at the point of highest loss around the weights (Foret et al. 2021,
    /// algorithm 1), and accumulates them in the weights.
    fn sharpness_aware_gradients(
        &mut self,
        batch: &Batch,
        loss: &Loss,
        rho: f64,
    ) -> Result<Measured, TrainError> {
        let here = self.gradients(batch, loss, Statistics::Update)?;
        let ascent = Ascent::climb(&self.weights, rho)?;
        let there = self.gradients(batch, loss, Statistics::Freeze)?;
        ascent.undo(&self.weights)?;
        Ok(Measured {
            // The history shows the loss of the weights themselves, as in all other epochs. Only a loss that is not finite
            // is passed on, because its gradients must not be used.
            loss: if there.loss.is_finite() {
                here.loss
            } else {
                there.loss
            },
            correct: here.correct,
            forward: here.forward + there.forward,
            backward: here.backward + there.backward,
        })
    }

    /// Computes the gradients of a batch's mean loss and accumulates them in the weights.
    fn gradients(
        &mut self,
        batch: &Batch,
        loss: &Loss,
        statistics: Statistics,
    ) -> Result<Measured, TrainError> {
        // Each step has its own seed, so that a resumed run draws the same masks.
        let seed = batches::derive_seed(self.recipe.seed, self.state.epoch, self.state.step);
        tch::manual_seed(seed as i64);
        let size = self.recipe.micro_batch.unwrap_or(batch.len());
        let masks = |part: usize| match self.recipe.micro_batch {
            Some(_) => Masks::Own(batches::derive_seed(seed, part, 0)),
            None => Masks::Shared,
        };
        let mode = |part: usize| Mode::Train {
            masks: masks(part),
            statistics,
        };
        let parts = batch
            .parts(size)
            .enumerate()
            .map(|(index, part)| (mode(index), part));
        let parts = parts.collect();
        let Self {
            network,
            weights,
            replicas,
            device,
            ..
        } = self;
        let job = |weights: &Weights, (mode, part): (Mode, MicroBatch<'_>)| {
            gradient(network, weights, mode, part, loss, batch.len(), *device)
        };
        let results = replicas.run(weights, parts, statistics, job)?;
        let threads = replicas.threads();
        Ok(Measured {
            loss: results.iter().map(|part| part.loss).sum(),
            correct: results.iter().map(|part| part.correct).sum(),
            forward: results.iter().map(|part| part.forward).sum::<Duration>() / threads,
            backward: results.iter().map(|part| part.backward).sum::<Duration>() / threads,
        })
    }

    fn diverged(&self, loss: f64, rate: f64) -> TrainError {
        let (step, epoch) = (self.state.step + 1, self.state.epoch + 1);
        TrainError::Diverged {
            loss,
            step,
            epoch,
            rate,
            advice: advice(&self.recipe),
        }
    }
}

/// Accumulates the gradient of a micro-batch's share of the batch's mean loss and returns that share.
fn gradient(
    network: &Network,
    weights: &Weights,
    mode: Mode,
    part: MicroBatch<'_>,
    loss: &Loss,
    batch: usize,
    device: Device,
) -> Result<Measured, TrainError> {
    let start = Instant::now();
    let side = part.side as i64;
    let images = Tensor::from_slice(part.pixels)
        .view([-1, 1, side, side])
        .f_to_device(device)?;
    let logits = network.forward(weights, &images, mode)?;
    let loss = loss.sum(&logits, part)?.f_div_scalar(batch as f64)?;
    let forward = start.elapsed();
    loss.f_backward()?;
    let backward = start.elapsed() - forward;
    let labels = Tensor::from_slice(part.labels).f_to_device(device)?;
    let correct = logits
        .f_argmax(-1, false)?
        .f_eq_tensor(&labels)?
        .f_sum(Kind::Int64)?;
    let (loss, correct) = (loss.f_double_value(&[])?, correct.f_int64_value(&[])?);
    Ok(Measured {
        loss,
        correct,
        forward,
        backward,
    })
}

/// Returns advice on the recipe keys that can make the loss infinite, the most likely key first. Teachers cannot cause
/// it, because their outputs are checked.
fn advice(recipe: &Recipe) -> String {
    let mut advice = "lower `learning_rate` or lengthen `warmup` in the recipe".to_owned();
    match recipe.optimizer {
        OptimizerKind::Sgd => {}
        OptimizerKind::RmsProp => advice.push_str(
            "; RMSprop normalises the gradient, so use a learning rate near 0.001 or raise `rmsprop.epsilon`",
        ),
        OptimizerKind::AdamW => advice.push_str(
            "; AdamW normalises the gradient, so use a learning rate near 0.001 or raise `adamw.epsilon`",
        ),
    }
    if recipe.clip_norm == 0.0 {
        advice.push_str("; clip the gradients with `clip_norm = 1.0`");
    }
    if recipe.sam.is_some() {
        advice.push_str("; lower `sam.rho`");
    }
    if let Some(distill) = &recipe.distill {
        let factor = distill.weight * distill.temperature * distill.temperature;
        if factor > 10.0 {
            advice.push_str(&format!(
                "; lower `distill.temperature`, because the distillation loss is multiplied by {factor:.0}"
            ));
        }
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::options::{Distill, Targets};

    #[test]
    fn advice_names_only_keys_that_are_in_use() {
        let plain = advice(&Recipe::default());
        assert!(
            plain.contains("`learning_rate`") && plain.contains("`clip_norm"),
            "{plain}"
        );
        assert!(
            !plain.contains("rmsprop") && !plain.contains("distill"),
            "{plain}"
        );
        let distill = Distill {
            teachers: vec!["t".into()],
            teacher_weights: Vec::new(),
            weight: 0.9,
            temperature: 8.0,
            targets: Targets::Online,
        };
        let other = advice(&Recipe {
            optimizer: OptimizerKind::RmsProp,
            clip_norm: 1.0,
            distill: Some(distill),
            ..Recipe::default()
        });
        assert!(other.contains("`rmsprop.epsilon`"), "{other}");
        assert!(
            other.contains("`distill.temperature`") && !other.contains("clip_norm"),
            "{other}"
        );
    }
}
