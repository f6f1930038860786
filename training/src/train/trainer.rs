//! The training loop.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use tch::Device;

use super::{
    answers,
    checkpoint::{self, Checkpoint, State},
    clock::Clock,
    ema::Ema,
    error::TrainError,
    loss::Loss,
    optimizer::Optimizer,
    records,
    teacher::Teachers,
    teaching,
};
use crate::{
    arch::{graph::Graph, parameter},
    data::FaceSet,
    recipe::{Recipe, choices::Targets},
    torch::{network::Network, replicas::Replicas, weights::Weights},
};

mod epoch;
mod step;

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
    optimizer: Optimizer,
    ema: Ema,
    state: State,
    teachers: Option<Arc<Mutex<Teachers>>>,
    /// Their answers to the training faces, where they answer once.
    answers: Option<Arc<[f32]>>,
    control: Control,
    clock: Clock,
}

impl Trainer {
    /// Starts a run, or goes on where its checkpoint stands. `teachers` are those of the recipe; `init` are the weights to
    /// begin with, in place of random ones.
    ///
    /// # Errors
    /// Where the checkpoint cannot be read or belongs to another network.
    pub fn new(
        graph: Graph,
        recipe: Recipe,
        teachers: Option<Teachers>,
        init: Option<Weights>,
        device: Device,
        control: Control,
    ) -> Result<Self, TrainError> {
        let checkpoint = Checkpoint::read(&control.folder)?;
        let begins_elsewhere = checkpoint.is_none() && init.is_some();
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
                (Ema::from_weights(average.duplicate(), recipe.ema), found.state.clone())
            }
            None => (Ema::new(&weights, recipe.ema), State::default()),
        };
        let network = Network::new(graph, recipe.precision.kind(device))?;
        let threads = recipe.micro_batch.map_or(1, |_| control.threads);
        let trainer = Self {
            replicas: Replicas::new(&weights, threads),
            teachers: teachers.map(|teachers| Arc::new(Mutex::new(teachers))),
            answers: None,
            recipe,
            device,
            network,
            weights,
            optimizer,
            ema,
            state,
            control,
            clock: Clock::default(),
        };
        if begins_elsewhere {
            // From here on the run that it began with is not needed.
            trainer.save()?;
        }
        Ok(trainer)
    }

    /// Lets [`Self::run`] take so many steps more, and starts the clock anew.
    pub fn limit(&mut self, steps: usize) {
        self.control.max_steps = Some(steps);
        self.clock = Clock::default();
    }

    /// Where the time of this process' steps has gone.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Trains to the end, or until it is interrupted.
    ///
    /// # Errors
    /// A loss that is not a number, a checkpoint that cannot be written, a teacher that fails, what libtorch refuses.
    pub fn run(&mut self, faces: &FaceSet, holdout: &FaceSet) -> Result<Outcome, TrainError> {
        // A process killed while it wrote may have left the records behind the checkpoint.
        records::epochs(&self.control.folder, self.network.name(), &self.state.history)?;
        if !self.teach(faces)? {
            return Ok(Outcome::Interrupted);
        }
        let loss = Loss::new(&self.recipe, &faces.labels);
        let mut sized: Option<(usize, Arc<FaceSet>, FaceSet)> = None;
        let mut budget = self.control.max_steps.unwrap_or(usize::MAX);
        while self.state.epoch < self.recipe.epochs {
            let side = self.recipe.side(self.state.epoch);
            let (_, faces, holdout) = match &mut sized {
                Some(sets) if sets.0 == side => sets,
                stale => {
                    stale.insert((side, self.training_faces(faces, side), holdout.resized(side)))
                }
            };
            if self.epoch(faces, side, &loss, &mut budget)? == Outcome::Interrupted {
                self.save()?;
                return Ok(Outcome::Interrupted);
            }
            self.close_epoch(side, faces.len(), holdout)?;
        }
        Ok(Outcome::Finished)
    }

    /// The faces as the pipeline takes them: at the epoch's side, or where teachers look too, as they are.
    fn training_faces(&self, faces: &FaceSet, side: usize) -> Arc<FaceSet> {
        let watched = self.teachers.is_some() && self.answers.is_none();
        Arc::new(if watched { faces.clone() } else { faces.resized(side) })
    }

    /// Has the teachers answer for all faces, where they answer once; false where it was interrupted.
    fn teach(&mut self, faces: &FaceSet) -> Result<bool, TrainError> {
        let (Some(teachers), Some(distill)) = (&self.teachers, &self.recipe.distill) else {
            return Ok(true);
        };
        if distill.targets != Targets::Cached || self.answers.is_some() {
            return Ok(true);
        }
        let folder = &self.control.folder;
        let mut teachers = teachers.lock().unwrap_or_else(PoisonError::into_inner);
        let key = answers::key(faces, &teachers.files(), distill);
        if let Some(kept) = answers::kept(folder, faces.len(), &key) {
            self.answers = Some(kept.into());
            return Ok(true);
        }
        let given = teaching::answers(&mut teachers, faces, &self.control.interrupted)?;
        let Some(given) = given else { return Ok(false) };
        answers::keep(folder, &given, &key)?;
        self.answers = Some(given.into());
        Ok(true)
    }

    fn save(&self) -> Result<(), TrainError> {
        let folder = &self.control.folder;
        checkpoint::save(folder, &self.state, &self.weights, &self.optimizer, &self.ema)?;
        Ok(())
    }
}

/// The weights that a run begins with where it names no other run.
fn random_weights(graph: &Graph, recipe: &Recipe, device: Device) -> Result<Weights, TrainError> {
    let weights = Weights::random(graph, recipe.seed, device)?;
    if recipe.zero_init_residual {
        weights.zero(&parameter::residual_ends(graph))?;
    }
    Ok(weights)
}
