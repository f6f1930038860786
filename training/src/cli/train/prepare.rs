//! What a run is made of, read and checked before its first step.

use std::path::Path;

use anyhow::Context;
use mien_faces::dataset::{Dataset, Split};
use tch::Device;

use super::{Args, network};
use crate::{
    arch::catalog,
    data::FaceSet,
    recipe::Recipe,
    torch::weights::Weights,
    train::{
        checkpoint,
        claim::Claim,
        init,
        run::{Run, SourceFile},
        teacher::Teachers,
    },
};

/// What a run is made of, read and checked.
pub(super) struct Prepared {
    pub(super) run: Run,
    pub(super) recipe: Recipe,
    pub(super) faces: FaceSet,
    pub(super) holdout: FaceSet,
    pub(super) teachers: Option<Teachers>,
    /// Weights to begin with, where the recipe names a run to take them from.
    pub(super) init: Option<Weights>,
    pub(super) claim: Claim,
}

impl Args {
    /// Reads data and recipe and starts the run's folder.
    pub(super) fn begin(&self, device: Device) -> anyhow::Result<Prepared> {
        let mut recipe =
            self.recipe.as_deref().map_or_else(|| Ok(Recipe::default()), Recipe::read)?;
        recipe.epochs = self.epochs.unwrap_or(recipe.epochs);
        recipe.batch = self.batch.unwrap_or(recipe.batch);
        recipe.seed = self.seed.unwrap_or(recipe.seed);
        recipe.holdout = self.holdout.unwrap_or(recipe.holdout);
        let recipe = recipe.checked()?;
        let architecture = self.arch.clone().context("--arch is needed for a new run")?;
        let graph = network(&architecture, &recipe)?;
        let data = self.data.clone().context("--data is needed for a new run")?;
        let teachers = self.teachers(&recipe, device)?;
        let (data_sha256, faces) = load(&data)?;
        let init = init::weights(&recipe, &graph, &data_sha256, device)?;
        let (init, init_file) = init.unzip();
        let unreadable = faces.unreadable.clone();
        let (faces, holdout) = faces.hold_out(recipe.holdout, recipe.seed);
        anyhow::ensure!(
            faces.len() > 1,
            "a holdout of {} leaves {} of the faces in {} to train on; lower it or name a larger data set",
            recipe.holdout,
            faces.len(),
            data.display()
        );
        anyhow::ensure!(
            recipe.holdout == 0.0 || !holdout.is_empty(),
            "a holdout of {} holds none of the faces in {} out: they are too few, or lie among the others too; raise it or set it to 0",
            recipe.holdout,
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
            init: init_file,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            workplaces: Vec::new(),
        };
        let claim = run.create(&self.out, &recipe)?;
        Ok(Prepared { run, recipe, faces, holdout, teachers, init, claim })
    }

    fn teachers(&self, recipe: &Recipe, device: Device) -> anyhow::Result<Option<Teachers>> {
        let open = |distill| Teachers::open(distill, self.threads, device);
        Ok(recipe.distill.as_ref().map(open).transpose()?)
    }

    /// Opens the run's folder and reads the same data again.
    pub(super) fn reopen(&self, device: Device) -> anyhow::Result<Prepared> {
        let (run, recipe) = Run::open(&self.out)?;
        let claim = Claim::take(&self.out)?;
        let teachers = self.teachers(&recipe, device)?;
        let now = teachers.as_ref().map(Teachers::files).unwrap_or_default();
        same_teachers(&run.teachers, &now)?;
        anyhow::ensure!(
            recipe.init.as_ref() == run.init.as_ref().map(|file| &file.path),
            "`init` in recipe.toml is not what the run began with; put it back"
        );
        let data = self.data.as_ref().unwrap_or(&run.data);
        let (sha256, faces) = load(data)?;
        anyhow::ensure!(
            sha256 == run.data_sha256,
            "the training images in {} are not those the run began with; name the right data set with --data",
            data.display()
        );
        let init = self.first_weights(&run, &recipe, device)?;
        let (faces, holdout) = faces.hold_out(recipe.holdout, recipe.seed);
        Ok(Prepared { run, recipe, faces, holdout, teachers, init, claim })
    }

    /// The weights to begin with, for a run that was killed before its first checkpoint.
    fn first_weights(
        &self,
        run: &Run,
        recipe: &Recipe,
        device: Device,
    ) -> anyhow::Result<Option<Weights>> {
        if self.out.join(checkpoint::FILE_NAME).exists() {
            return Ok(None);
        }
        let graph = network(&run.architecture, recipe)?;
        let (init, file) = init::weights(recipe, &graph, &run.data_sha256, device)?.unzip();
        anyhow::ensure!(
            file.map(|file| file.sha256) == run.init.as_ref().map(|file| file.sha256.clone()),
            "the run that `init` names has changed since this one began, which has no checkpoint of its own yet; begin anew in another folder"
        );
        Ok(init)
    }
}

/// Checks that a run goes on with the teachers that it began with.
fn same_teachers(began: &[SourceFile], now: &[SourceFile]) -> anyhow::Result<()> {
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

fn load(data: &Path) -> anyhow::Result<(String, FaceSet)> {
    let dataset = Dataset::open(data)?;
    let sha256 = dataset.fingerprint(Split::Train)?;
    Ok((sha256, FaceSet::load(&dataset, data, Split::Train, catalog::INPUT_SIDE)?))
}
