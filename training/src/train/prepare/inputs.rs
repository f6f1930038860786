//! Reads and checks the inputs of a run: data set, teachers and initial weights.

use std::path::Path;

use mien_faces::dataset::{Dataset, Split};
use tch::Device;

use super::PrepareError;
use crate::{
    arch::catalog,
    data::FaceSet,
    recipe::Recipe,
    torch::weights::Weights,
    train::{
        distillation::teacher::Teachers,
        init,
        run::{checkpoint, metadata::RunMetadata, source_file::SourceFile},
    },
};

/// Opens the teachers of a recipe.
pub(super) fn open_teachers(
    recipe: &Recipe,
    threads: usize,
    device: Device,
) -> Result<Option<Teachers>, PrepareError> {
    let open = |distill| Teachers::open(distill, threads, device);
    Ok(recipe.distill.as_ref().map(open).transpose()?)
}

/// Returns the initial weights of a run that was killed before its first checkpoint.
pub(super) fn first_weights(
    folder: &Path,
    run: &RunMetadata,
    recipe: &Recipe,
    device: Device,
) -> Result<Option<Weights>, PrepareError> {
    if folder.join(checkpoint::FILE_NAME).exists() {
        return Ok(None);
    }
    let graph = super::network(&run.architecture, recipe)?;
    let (init, file) = init::weights(recipe, &graph, &run.data_sha256, device)?.unzip();
    let sha256 = |file: &Option<SourceFile>| file.as_ref().map(|file| file.sha256.clone());
    if sha256(&file) != sha256(&run.init) {
        return Err(PrepareError::ChangedInit);
    }
    Ok(init)
}

/// Checks that a run resumes with the teachers that it started with.
pub(super) fn same_teachers(
    started: &[SourceFile],
    now: &[SourceFile],
) -> Result<(), PrepareError> {
    if let Some((old, _)) = started.iter().zip(now).find(|(old, now)| old != now) {
        let SourceFile { path, sha256 } = old.clone();
        return Err(PrepareError::OtherTeacher { path, sha256 });
    }
    if started.len() != now.len() {
        return Err(PrepareError::TeacherCount {
            started: started.len(),
            now: now.len(),
        });
    }
    Ok(())
}

/// Loads the training faces of a data set and returns them with their fingerprint. Prints which files of the data set are not
/// listed.
pub(super) fn load(data: &Path) -> Result<(String, FaceSet), PrepareError> {
    let dataset = Dataset::open(data)?;
    let left_out = dataset.left_out();
    if !left_out.is_empty() {
        eprintln!("the data set also has {left_out}");
    }
    let sha256 = dataset.fingerprint(Split::Train)?;
    Ok((
        sha256,
        FaceSet::load(&dataset, data, Split::Train, catalog::INPUT_SIDE)?,
    ))
}
