//! `mien-train train`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use mien_faces::dataset::{Dataset, Split};
use tch::Device;

use crate::{
    arch::{catalog, graph::Graph},
    data::FaceSet,
    machine::{Machine, Workplace},
    recipe::Recipe,
    torch::device,
    train::{
        claim::Claim,
        run::{Run, TeacherFile},
        teacher::Teachers,
        trainer::{Control, Outcome, Trainer},
    },
};

/// Exit code of a run that Ctrl-C or `--max-steps` interrupted: saved, not finished.
const INTERRUPTED: u8 = 3;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run's folder: recipe, checkpoint, history.
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// The network, as `mien-train list` names it.
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "resume",
        conflicts_with = "resume"
    )]
    arch: Option<String>,
    /// The data set: a folder with train/<class>/ or fer2013.csv. With --resume, where it lies now, if it has moved.
    #[arg(long, value_name = "DIR", required_unless_present = "resume")]
    data: Option<PathBuf>,
    /// The recipe; what it leaves out has the defaults of the documentation.
    #[arg(long, value_name = "TOML", conflicts_with = "resume")]
    recipe: Option<PathBuf>,
    /// Epochs, instead of the recipe's.
    #[arg(long, conflicts_with = "resume")]
    epochs: Option<usize>,
    /// Faces a step, instead of the recipe's.
    #[arg(long, conflicts_with = "resume")]
    batch: Option<usize>,
    /// Seed, instead of the recipe's.
    #[arg(long, conflicts_with = "resume")]
    seed: Option<u64>,
    /// Share of the training faces to hold out, instead of the recipe's.
    #[arg(long, conflicts_with = "resume")]
    holdout: Option<f64>,
    /// Go on with the run in --out.
    #[arg(long)]
    resume: bool,
    /// Threads of libtorch; the same number is needed to repeat a run to the last bit.
    #[arg(long, default_value_t = super::cores(), value_parser = super::at_least_one)]
    threads: usize,
    /// Longest time between two checkpoints, in seconds.
    #[arg(long, default_value_t = 60.0, value_parser = seconds)]
    save_every: f64,
    /// Save and leave after so many steps.
    #[arg(long)]
    max_steps: Option<usize>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let fits = |s: &f64| s.is_finite() && *s >= 0.0;
    text.parse().ok().filter(fits).ok_or_else(|| "a number of seconds, at least 0".to_owned())
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        tch::set_num_threads(i32::try_from(self.threads)?);
        let device = device::best_device();
        let Prepared { mut run, recipe, faces, holdout, teachers, claim: _held } =
            if self.resume { self.reopen(device)? } else { self.begin(device)? };
        for error in &run.unreadable {
            eprintln!("passed over: {error}");
        }
        let precision = format!("{:?}", recipe.precision.kind(device));
        let (machine, threads) = (Machine::here(), self.threads);
        let place = Workplace { machine, device: format!("{device:?}"), precision, threads };
        run.goes_on(&self.out, place)?;
        eprintln!(
            "{} on {device:?} in {:?}: {} faces, {} held out, {} epochs",
            run.architecture,
            recipe.precision.kind(device),
            faces.len(),
            holdout.len(),
            recipe.epochs
        );
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))
            .context("cannot listen for Ctrl-C")?;
        let control = Control {
            folder: self.out.clone(),
            save_every: Duration::from_secs_f64(self.save_every),
            max_steps: self.max_steps,
            threads: self.threads,
            interrupted,
        };
        let graph = network(&run.architecture, &recipe)?;
        let mut trainer = Trainer::new(graph, recipe, teachers, device, control)?;
        match trainer.run(&faces, &holdout)? {
            Outcome::Finished => {
                eprintln!(
                    "finished; write the model with `mien-train export {} --out models/NAME/1/model.onnx`",
                    self.out.display()
                );
                Ok(ExitCode::SUCCESS)
            }
            Outcome::Interrupted => {
                eprintln!(
                    "saved; go on with `mien-train train --resume --out {} --threads {}`",
                    self.out.display(),
                    self.threads
                );
                Ok(ExitCode::from(INTERRUPTED))
            }
        }
    }

    /// Reads data and recipe and starts the run's folder.
    fn begin(&self, device: Device) -> anyhow::Result<Prepared> {
        let mut recipe =
            self.recipe.as_deref().map_or_else(|| Ok(Recipe::default()), Recipe::read)?;
        recipe.epochs = self.epochs.unwrap_or(recipe.epochs);
        recipe.batch = self.batch.unwrap_or(recipe.batch);
        recipe.seed = self.seed.unwrap_or(recipe.seed);
        recipe.holdout = self.holdout.unwrap_or(recipe.holdout);
        let recipe = recipe.checked()?;
        let architecture = self.arch.clone().context("--arch is needed for a new run")?;
        network(&architecture, &recipe)?;
        let data = self.data.clone().context("--data is needed for a new run")?;
        let teachers = self.teachers(&recipe, device)?;
        let (data_sha256, faces) = load(&data)?;
        let unreadable = faces.unreadable.clone();
        let (faces, holdout) = faces.hold_out(recipe.holdout, recipe.seed);
        anyhow::ensure!(
            faces.len() > 1,
            "a holdout of {} leaves {} of the faces in {} to train on; lower it or name a larger data set",
            recipe.holdout,
            faces.len(),
            data.display()
        );
        let run = Run {
            architecture,
            data,
            data_sha256,
            training_faces: faces.len(),
            holdout_faces: holdout.len(),
            unreadable,
            teachers: teachers.as_ref().map(Teachers::files).unwrap_or_default(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            workplaces: Vec::new(),
        };
        let claim = run.create(&self.out, &recipe)?;
        Ok(Prepared { run, recipe, faces, holdout, teachers, claim })
    }

    fn teachers(&self, recipe: &Recipe, device: Device) -> anyhow::Result<Option<Teachers>> {
        let open = |distill| Teachers::open(distill, self.threads, device);
        Ok(recipe.distill.as_ref().map(open).transpose()?)
    }

    /// Opens the run's folder and reads the same data again.
    fn reopen(&self, device: Device) -> anyhow::Result<Prepared> {
        let (run, recipe) = Run::open(&self.out)?;
        let claim = Claim::take(&self.out)?;
        let teachers = self.teachers(&recipe, device)?;
        let now = teachers.as_ref().map(Teachers::files).unwrap_or_default();
        same_teachers(&run.teachers, &now)?;
        let data = self.data.as_ref().unwrap_or(&run.data);
        let (sha256, faces) = load(data)?;
        anyhow::ensure!(
            sha256 == run.data_sha256,
            "the training images in {} are not those the run began with; name the right data set with --data",
            data.display()
        );
        let (faces, holdout) = faces.hold_out(recipe.holdout, recipe.seed);
        Ok(Prepared { run, recipe, faces, holdout, teachers, claim })
    }
}

/// Checks that a run goes on with the teachers that it began with.
fn same_teachers(began: &[TeacherFile], now: &[TeacherFile]) -> anyhow::Result<()> {
    if let Some((old, _)) = began.iter().zip(now).find(|(old, now)| old != now) {
        anyhow::bail!(
            "the teacher {} is not the one that the run began with (SHA-256 {}); put that one back",
            old.path.display(),
            old.sha256
        );
    }
    anyhow::ensure!(
        began.len() == now.len(),
        "the run began with {} teachers and its recipe.toml names {} now; put `distill.teachers` back",
        began.len(),
        now.len()
    );
    Ok(())
}

/// The network of a run, with the dropout that its recipe asks for.
fn network(architecture: &str, recipe: &Recipe) -> anyhow::Result<Graph> {
    Ok(catalog::build_with(architecture, &catalog::Options { dropout: recipe.dropout })?)
}

/// What a run is made of, read and checked.
struct Prepared {
    run: Run,
    recipe: Recipe,
    faces: FaceSet,
    holdout: FaceSet,
    teachers: Option<Teachers>,
    claim: Claim,
}

fn load(data: &Path) -> anyhow::Result<(String, FaceSet)> {
    let dataset = Dataset::open(data)?;
    let sha256 = dataset.fingerprint(Split::Train)?;
    Ok((sha256, FaceSet::load(&dataset, data, Split::Train, catalog::INPUT_SIDE)?))
}
