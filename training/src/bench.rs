//! How long a training step takes, and where: the trainer itself, on faces of noise.

use std::{
    fs, io,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use mien_faces::{expression::Expression, image::Face};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Serialize;

use crate::{
    arch::catalog::{self, CatalogError},
    data::FaceSet,
    recipe::{Recipe, RecipeError, options::Phase},
    torch::device::{self, Precision},
    train::{
        error::TrainError,
        step_timings::StepTimings,
        trainer::{Control, Trainer},
    },
};

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// No such network.
    #[error(transparent)]
    Architecture(#[from] CatalogError),
    /// A batch or side out of range.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// There is no place for the checkpoint of the measured run.
    #[error("cannot make a temporary folder: {0}")]
    Folder(#[from] io::Error),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
}

/// What to measure.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The network, as the catalogue names it.
    pub architecture: String,
    /// Faces a step.
    pub batch: usize,
    /// Faces of a micro-batch; `None`: every operation is spread over the threads instead.
    pub micro_batch: Option<usize>,
    /// Side of the faces, px, 16 to 48.
    pub side: usize,
    /// Number format.
    pub precision: Precision,
    /// Steps to measure, after two that are not.
    pub steps: usize,
    /// Threads.
    pub threads: usize,
}

/// What was measured, in milliseconds of wall-clock time an image.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// The network.
    pub architecture: String,
    /// Faces a step.
    pub batch: usize,
    /// Faces of a micro-batch.
    pub micro_batch: Option<usize>,
    /// Side of the faces, px.
    pub side: usize,
    /// Number format of convolutions and activations.
    pub precision: String,
    /// Threads.
    pub threads: usize,
    /// Waiting for the augmented batch.
    pub data: f64,
    /// From pictures to loss.
    pub forward: f64,
    /// From loss to gradients.
    pub backward: f64,
    /// Optimiser and average of the weights.
    pub step: f64,
    /// The whole step.
    pub total: f64,
    /// Largest resident memory of the process while it trained, MiB; `None` where the system does not tell.
    pub peak_memory_mib: Option<f64>,
}

/// Steps that fill caches and memory pools before the clock starts.
const WARM_UP: usize = 2;

/// Trains for some steps and says what they cost.
///
/// # Errors
/// An unknown network, a batch or side out of range, what libtorch refuses.
pub fn run(settings: &Settings) -> Result<Figures, BenchError> {
    let recipe = recipe(settings)?;
    let device = device::best_device();
    let precision = format!("{:?}", recipe.precision.kind(device));
    let graph = catalog::build(&settings.architecture)?;
    let faces = noise(settings.batch * (WARM_UP + settings.steps + 1));
    let nothing_held_out = FaceSet::empty(faces.side);
    let folder = tempfile::tempdir()?;
    let control = Control {
        folder: folder.path().to_owned(),
        save_every: Duration::MAX,
        max_steps: Some(WARM_UP),
        threads: settings.threads,
        interrupted: Arc::new(AtomicBool::new(false)),
    };
    tch::set_num_threads(i32::try_from(settings.threads).unwrap_or(i32::MAX));
    forget_peak();
    let mut trainer = Trainer::new(graph, recipe, None, None, device, control)?;
    trainer.run(&faces, &nothing_held_out)?;
    trainer.limit(settings.steps);
    trainer.run(&faces, &nothing_held_out)?;
    Ok(figures(settings, precision, &trainer.timings()))
}

fn recipe(settings: &Settings) -> Result<Recipe, RecipeError> {
    Recipe {
        epochs: 1,
        batch: settings.batch,
        micro_batch: settings.micro_batch,
        precision: settings.precision,
        zero_init_residual: true,
        sizes: vec![Phase { until: 1.0, side: settings.side }],
        ..Recipe::default()
    }
    .checked()
}

fn noise(count: usize) -> FaceSet {
    let side = catalog::INPUT_SIDE;
    let mut rng = StdRng::seed_from_u64(1);
    let mut face = |_| {
        let pixels = (0..side * side).map(|_| rng.random()).collect();
        Face::new(side, pixels).expect("side times side pixels are a face")
    };
    let faces = (0..count).map(&mut face).collect();
    let labels = (0..count).map(|i| Expression::ALL[i % Expression::COUNT]).collect();
    FaceSet { side, faces, labels, unreadable: Vec::new() }
}

fn figures(settings: &Settings, precision: String, timings: &StepTimings) -> Figures {
    let images = (settings.batch * settings.steps) as f64;
    let each = |duration: Duration| duration.as_secs_f64() * 1000.0 / images;
    Figures {
        architecture: settings.architecture.clone(),
        batch: settings.batch,
        micro_batch: settings.micro_batch,
        side: settings.side,
        precision,
        threads: settings.threads,
        data: each(timings.data),
        forward: each(timings.forward),
        backward: each(timings.backward),
        step: each(timings.step),
        total: each(timings.total),
        peak_memory_mib: peak_memory(),
    }
}

/// Lets the system count the peak anew (proc(5), `clear_refs`); elsewhere the peak is that of the whole process.
fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// `VmHWM` of proc(5), MiB.
fn peak_memory() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
