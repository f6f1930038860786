//! The training loop.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use mien_host::sync::lock;
use tch::Device;

use super::{
    distillation::{cached, teacher::Teachers},
    run::{
        artifacts,
        checkpoint::{self, Checkpoint, State},
    },
};
use crate::{
    arch::{graph::Graph, parameter},
    data::FaceSet,
    recipe::{Recipe, options::Targets},
    torch::{network::Network, replicas::Replicas, weights::Weights},
};

mod batch_source;
pub mod ema;
mod epoch;
pub mod error;
pub mod loss;
pub mod optimizer;
pub mod sam;
mod step;
pub mod step_timings;

use ema::Ema;
use error::TrainError;
use loss::Loss;
use optimizer::Optimizer;
use step_timings::StepTimings;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// Interrupted after saving; `--resume` continues the run.
    Interrupted,
}

/// Controls saving and stopping of a run.
#[derive(Debug)]
pub struct Control {
    /// The run's folder.
    pub folder: PathBuf,
    /// Maximum time between two checkpoints.
    pub save_every: Duration,
    /// Maximum number of steps of this process. It saves a checkpoint and stops after them.
    pub max_steps: Option<usize>,
    /// Number of threads that process micro-batches in parallel.
    pub threads: usize,
    /// Set by Ctrl-C.
    pub interrupted: Arc<AtomicBool>,
}

/// A run in progress.
#[derive(Debug)]
pub struct Trainer {
    recipe: Recipe,
    device: Device,
    network: Network,
    weights: Weights,
    replicas: Replicas,
    optimizer: Optimizer,
    ema: Ema,
    state: State,
    teachers: Option<Arc<Mutex<Teachers>>>,
    /// Teacher outputs for the training faces, `[N, 7]`, with `distill.targets = "cached"`.
    cached_targets: Option<Arc<[f32]>>,
    control: Control,
    timings: StepTimings,
}

impl Trainer {
    /// Starts a run, or continues it from its checkpoint. `teachers` are the recipe's teachers. `init` are the initial
    /// weights; `None` for random ones.
    ///
    /// # Errors
    /// Returns an error if the checkpoint cannot be read or belongs to another network.
    pub fn new(
        graph: Graph,
        recipe: Recipe,
        teachers: Option<Teachers>,
        init: Option<Weights>,
        device: Device,
        control: Control,
    ) -> Result<Self, TrainError> {
        let checkpoint = Checkpoint::read(&control.folder)?;
        let initialised = checkpoint.is_none() && init.is_some();
        let weights = match (&checkpoint, init) {
            (Some(found), _) => found.weights(&graph, device)?,
            (None, Some(init)) => init,
            (None, None) => random_weights(&graph, &recipe, device)?,
        }
        .trainable();
        let mut optimizer = Optimizer::new(&weights, &recipe);
        let (ema, state) = match &checkpoint {
            Some(found) => {
                found.restore_optimizer(&weights, &mut optimizer)?;
                let average = found.averaged(&graph, device)?;
                (
                    Ema::from_weights(average.duplicate(), recipe.ema),
                    found.state.clone(),
                )
            }
            None => (Ema::new(&weights, recipe.ema), State::default()),
        };
        let network = Network::new(graph, recipe.precision.kind(device))?;
        let threads = recipe.micro_batch.map_or(1, |_| control.threads);
        let trainer = Self {
            replicas: Replicas::new(&weights, threads),
            teachers: teachers.map(|teachers| Arc::new(Mutex::new(teachers))),
            cached_targets: None,
            recipe,
            device,
            network,
            weights,
            optimizer,
            ema,
            state,
            control,
            timings: StepTimings::default(),
        };
        if initialised {
            // With a checkpoint, a resume no longer needs the run that `init` names.
            trainer.save()?;
        }
        Ok(trainer)
    }

    /// Limits the next call of [`Self::run`] to `steps` steps and resets the timings.
    pub fn limit(&mut self, steps: usize) {
        self.control.max_steps = Some(steps);
        self.timings = StepTimings::default();
    }

    /// Returns the durations of this process's steps.
    pub fn timings(&self) -> StepTimings {
        self.timings
    }

    /// Trains until the run is finished or interrupted.
    ///
    /// # Errors
    /// Returns an error if the loss is NaN or infinite, a file cannot be written, or a teacher or libtorch fails.
    pub fn run(&mut self, faces: &FaceSet, holdout: &FaceSet) -> Result<Outcome, TrainError> {
        // A process that was killed may have saved a checkpoint without its artifacts.
        artifacts::update(
            &self.control.folder,
            self.network.name(),
            &self.state.history,
        )?;
        if !self.cache_targets(faces)? {
            return Ok(Outcome::Interrupted);
        }
        let loss = Loss::new(&self.recipe, &faces.labels);
        let mut sized: Option<(usize, Arc<FaceSet>, FaceSet)> = None;
        let mut budget = self.control.max_steps.unwrap_or(usize::MAX);
        while self.state.epoch < self.recipe.epochs {
            let side = self.recipe.side(self.state.epoch);
            let (_, faces, holdout) = match &mut sized {
                Some(sets) if sets.0 == side => sets,
                stale => stale.insert((
                    side,
                    self.training_faces(faces, side),
                    holdout.resized(side),
                )),
            };
            if self.epoch(faces, side, &loss, &mut budget)? == Outcome::Interrupted {
                self.save()?;
                return Ok(Outcome::Interrupted);
            }
            self.close_epoch(side, faces.len(), holdout)?;
        }
        Ok(Outcome::Finished)
    }

    /// Returns the faces at the epoch's size, or at full size if online teachers need them.
    fn training_faces(&self, faces: &FaceSet, side: usize) -> Arc<FaceSet> {
        let online_teachers = self.teachers.is_some() && self.cached_targets.is_none();
        Arc::new(if online_teachers {
            faces.clone()
        } else {
            faces.resized(side)
        })
    }

    /// Reads or computes the teacher outputs for all faces with `distill.targets = "cached"`. Returns false if it was
    /// interrupted.
    fn cache_targets(&mut self, faces: &FaceSet) -> Result<bool, TrainError> {
        let (Some(teachers), Some(distill)) = (&self.teachers, &self.recipe.distill) else {
            return Ok(true);
        };
        if distill.targets != Targets::Cached || self.cached_targets.is_some() {
            return Ok(true);
        }
        let folder = &self.control.folder;
        let mut teachers = lock(teachers);
        let key = cached::key(faces, &teachers.files(), distill);
        if let Some(targets) = cached::read(folder, faces.len(), &key) {
            self.cached_targets = Some(targets.into());
            return Ok(true);
        }
        let targets = cached::compute(&mut teachers, faces, &self.control.interrupted)?;
        let Some(targets) = targets else {
            return Ok(false);
        };
        cached::write(folder, &targets, &key)?;
        self.cached_targets = Some(targets.into());
        Ok(true)
    }

    fn save(&self) -> Result<(), TrainError> {
        let folder = &self.control.folder;
        checkpoint::save(
            folder,
            &self.state,
            &self.weights,
            &self.optimizer,
            &self.ema,
        )?;
        Ok(())
    }
}

/// Returns the initial weights of a run without `init`.
fn random_weights(graph: &Graph, recipe: &Recipe, device: Device) -> Result<Weights, TrainError> {
    let weights = Weights::random(graph, recipe.seed, device)?;
    if recipe.zero_init_residual {
        weights.zero(&parameter::residual_ends(graph))?;
    }
    Ok(weights)
}
