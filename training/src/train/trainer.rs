//! The training loop.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use mien_faces::report::Confusion;
use tch::{Device, Tensor};

use super::{
    checkpoint::{self, Checkpoint, State},
    ema::Ema,
    error::TrainError,
    history::EpochRow,
    optimizer::Sgd,
    progress::{self, Progress},
    records,
};
use crate::{
    arch::{graph::Graph, parameter},
    batches::{self, Batch, Part, Plan},
    data::FaceSet,
    evaluate,
    recipe::Recipe,
    torch::{
        network::{Mode, Network},
        replicas::Replicas,
        weights::Weights,
    },
};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// Interrupted, with everything saved; `--resume` goes on.
    Interrupted,
}

/// Where and how often a run is saved, and what stops it.
#[derive(Debug)]
pub struct Control {
    /// The run's folder.
    pub folder: PathBuf,
    /// Longest time between two checkpoints.
    pub save_every: Duration,
    /// Steps of this process after which it saves and leaves.
    pub max_steps: Option<usize>,
    /// Threads that work on micro-batches side by side.
    pub threads: usize,
    /// Set by Ctrl-C.
    pub interrupted: Arc<AtomicBool>,
}

/// A run under way.
#[derive(Debug)]
pub struct Trainer {
    recipe: Recipe,
    device: Device,
    network: Network,
    weights: Weights,
    replicas: Replicas,
    optimizer: Sgd,
    ema: Ema,
    state: State,
    control: Control,
}

impl Trainer {
    /// Starts a run, or goes on where its checkpoint stands.
    ///
    /// # Errors
    /// Where the checkpoint cannot be read or belongs to another network.
    pub fn new(
        graph: Graph,
        recipe: Recipe,
        device: Device,
        control: Control,
    ) -> Result<Self, TrainError> {
        let checkpoint = Checkpoint::read(&control.folder)?;
        let weights = match &checkpoint {
            Some(found) => Weights::from_named(&graph, &found.named("weights"), device)?,
            None => initial_weights(&graph, &recipe, device)?,
        }
        .trainable();
        let mut optimizer = Sgd::new(&weights, &recipe);
        let (ema, state) = match &checkpoint {
            Some(found) => {
                found.restore_optimizer(&weights, &mut optimizer);
                let average = Weights::from_named(&graph, &found.named("ema"), device)?;
                (Ema::from_weights(average.duplicate(), recipe.ema), found.state.clone())
            }
            None => (Ema::new(&weights, recipe.ema), State::default()),
        };
        let network = Network::new(graph, recipe.precision.kind(device))?;
        let threads = recipe.micro_batch.map_or(1, |_| control.threads);
        let replicas = Replicas::new(&weights, threads);
        Ok(Self { replicas, recipe, device, network, weights, optimizer, ema, state, control })
    }

    /// Trains to the end, or until it is interrupted.
    ///
    /// # Errors
    /// A loss that is not a number, a checkpoint that cannot be written, what libtorch refuses.
    pub fn run(&mut self, faces: &FaceSet, holdout: &FaceSet) -> Result<Outcome, TrainError> {
        // A process killed while it wrote may have left the records behind the checkpoint.
        records::epochs(&self.control.folder, self.network.name(), &self.state.history)?;
        let mut sized: Option<(Arc<FaceSet>, FaceSet)> = None;
        let mut budget = self.control.max_steps.unwrap_or(usize::MAX);
        while self.state.epoch < self.recipe.epochs {
            let side = self.recipe.side(self.state.epoch);
            let (faces, holdout) = match &mut sized {
                Some(pair) if pair.0.side == side => pair,
                stale => stale.insert((Arc::new(faces.resized(side)), holdout.resized(side))),
            };
            if self.epoch(faces, &mut budget)? == Outcome::Interrupted {
                self.save()?;
                return Ok(Outcome::Interrupted);
            }
            self.close_epoch(side, faces.len(), holdout)?;
        }
        Ok(Outcome::Finished)
    }

    fn epoch(&mut self, faces: &Arc<FaceSet>, budget: &mut usize) -> Result<Outcome, TrainError> {
        let (batch, epoch) = (self.recipe.batch, self.state.epoch);
        let steps = batches::steps(faces.len(), batch);
        let plan = Plan {
            batch,
            epoch,
            seed: self.recipe.seed,
            skip: self.state.step,
            augment: self.recipe.augment,
        };
        let progress = Progress::new(epoch, self.recipe.epochs, faces.side, steps, self.state.step);
        let mut saved = Instant::now();
        for batch in batches::epoch(Arc::clone(faces), plan) {
            if *budget == 0 || self.control.interrupted.load(Ordering::Relaxed) {
                return Ok(Outcome::Interrupted);
            }
            *budget -= 1;
            let start = Instant::now();
            self.step(&batch, steps)?;
            self.state.seconds += start.elapsed().as_secs_f64();
            self.show(&progress, steps);
            if saved.elapsed() >= self.control.save_every {
                self.save()?;
                saved = Instant::now();
            }
        }
        Ok(Outcome::Finished)
    }

    fn step(&mut self, batch: &Batch, steps: usize) -> Result<(), TrainError> {
        let total = steps * self.recipe.epochs;
        let rate = self.recipe.learning_rate_at(self.state.total_steps, total);
        let parts = batch.parts(self.recipe.micro_batch.unwrap_or(batch.len())).collect();
        let Self { network, weights, replicas, recipe, device, .. } = self;
        let gradient = |weights: &Weights, part: Part<'_>| {
            gradient(network, weights, part, batch.len(), recipe, *device)
        };
        let results = replicas.run(weights, parts, gradient)?;
        self.state.step += 1;
        let value: f64 = results.iter().map(|(loss, _)| loss).sum();
        if !value.is_finite() {
            let (step, epoch) = (self.state.step, self.state.epoch + 1);
            return Err(TrainError::Diverged { loss: value, step, epoch, rate });
        }
        self.optimizer.step(&self.weights, rate)?;
        self.ema.update(&self.weights, self.state.total_steps)?;
        self.state.total_steps += 1;
        self.state.loss_sum += value * batch.len() as f64;
        self.state.correct += results.iter().map(|(_, hits)| hits).sum::<i64>();
        self.state.seen += batch.len();
        Ok(())
    }

    fn show(&self, progress: &Progress, steps: usize) {
        let state = &self.state;
        let seen = state.seen as f64;
        let rate = seen / state.seconds;
        // Every face costs in proportion to its area: what is left of each phase, at its own size.
        let area = |epoch: usize| (self.recipe.side(epoch) as f64).powi(2);
        let left_here = (steps - state.step) as f64 / steps as f64 * area(state.epoch);
        let left: f64 = left_here + (state.epoch + 1..self.recipe.epochs).map(area).sum::<f64>();
        let per_area = state.seconds / (state.step as f64 / steps as f64 * area(state.epoch));
        progress.step(state.loss_sum / seen, state.correct as f64 / seen, rate, left * per_area);
    }

    fn close_epoch(
        &mut self,
        side: usize,
        faces: usize,
        holdout: &FaceSet,
    ) -> Result<(), TrainError> {
        let steps = batches::steps(faces, self.recipe.batch);
        let state = &mut self.state;
        let seen = state.seen as f64;
        let held = match holdout.is_empty() {
            true => None,
            false => Some(evaluate::with_libtorch(
                &self.network,
                self.ema.weights(),
                holdout,
                self.device,
            )?),
        };
        state.history.push(EpochRow {
            epoch: state.epoch + 1,
            side,
            learning_rate: self
                .recipe
                .learning_rate_at(state.total_steps - 1, steps * self.recipe.epochs),
            train_loss: state.loss_sum / seen,
            train_accuracy: state.correct as f64 / seen,
            holdout_accuracy: held.as_ref().map(|h| h.accuracy),
            holdout_loss: held.as_ref().map(|h| h.nll),
            seconds: state.seconds,
            images_per_second: seen / state.seconds,
        });
        let history = std::mem::take(&mut state.history);
        *state = State {
            epoch: state.epoch + 1,
            total_steps: state.total_steps,
            history,
            ..State::default()
        };
        self.record(held.map(|h| h.confusion).as_ref())
    }

    /// Saves a finished epoch and shows it.
    fn record(&self, held: Option<&Confusion>) -> Result<(), TrainError> {
        let (folder, network) = (&self.control.folder, self.network.name());
        let history = &self.state.history;
        // Before the checkpoint: a finished run never lacks its last row.
        records::history(folder, history)?;
        self.save()?;
        records::epochs(folder, network, history)?;
        if let Some(confusion) = held {
            records::confusion(folder, network, confusion)?;
        }
        if let Some(row) = history.last() {
            progress::report(row, self.recipe.epochs);
        }
        Ok(())
    }

    fn save(&self) -> Result<(), TrainError> {
        checkpoint::save(
            &self.control.folder,
            &self.state,
            &self.weights,
            &self.optimizer,
            &self.ema,
        )?;
        Ok(())
    }
}

/// The weights that a run begins with.
fn initial_weights(graph: &Graph, recipe: &Recipe, device: Device) -> Result<Weights, TrainError> {
    let weights = Weights::random(graph, recipe.seed as i64, device)?;
    if recipe.zero_init_residual {
        weights.zero(&parameter::residual_ends(graph))?;
    }
    Ok(weights)
}

/// Adds the gradient of a part's share of the batch's mean loss to the weights' gradients.
/// Returns that share of the loss, and how many faces were classified rightly.
fn gradient(
    network: &Network,
    weights: &Weights,
    part: Part<'_>,
    batch: usize,
    recipe: &Recipe,
    device: Device,
) -> Result<(f64, i64), TrainError> {
    let side = part.side as i64;
    let pictures = Tensor::from_slice(part.pixels).view([-1, 1, side, side]).f_to_device(device)?;
    let labels = Tensor::from_slice(part.labels).f_to_device(device)?;
    let logits = network.forward(weights, &pictures, Mode::Train)?;
    let loss = logits.f_cross_entropy_loss::<Tensor>(
        &labels,
        None,
        tch::Reduction::Sum,
        -100,
        recipe.label_smoothing,
    )?;
    let loss = loss.f_div_scalar(batch as f64)?;
    loss.f_backward()?;
    let hits = logits.f_argmax(-1, false)?.f_eq_tensor(&labels)?.f_sum(tch::Kind::Int64)?;
    Ok((loss.f_double_value(&[])?, hits.f_int64_value(&[])?))
}
