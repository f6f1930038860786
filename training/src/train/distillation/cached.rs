//! Soft targets that are computed once for every training face and stored in the run's folder
//! (`distill.targets = "cached"`). A resumed run reads them instead of running the teachers again.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use mien_faces::expression::Expression;
use mien_host::atomic_file::AtomicFile;
use sha2::{Digest, Sha256};
use tch::Tensor;

use super::teacher::{TeacherError, Teachers};
use crate::{
    data::FaceSet,
    recipe::options::Distill,
    train::{progress::TeacherProgress, run::source_file::SourceFile},
    tta::Tta,
};

/// The file's name in the run's folder.
const FILE_NAME: &str = "answers.safetensors";

/// Name of the tensor with the soft targets.
const TARGETS: &str = "answers";

/// Name of the tensor with the [`key`].
const KEY: &str = "key";

/// Faces per forward pass of the teachers.
const CHUNK: usize = 128;

/// The cache cannot be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot write the teacher outputs to {path}: {source}; free disk space or fix the permissions, then resume the run"
)]
pub struct TeacherCacheError {
    /// The cache file.
    pub path: PathBuf,
    /// The I/O error.
    pub source: io::Error,
}

/// Returns the key of cached outputs: the SHA-256 of the faces in their order, the teachers' files, the temperature, and the
/// teachers' weights if they are not equal by default.
pub fn key(faces: &FaceSet, teachers: &[SourceFile], distill: &Distill) -> String {
    let mut hash = Sha256::new();
    faces
        .faces
        .iter()
        .for_each(|face| hash.update(face.pixels()));
    teachers
        .iter()
        .for_each(|teacher| hash.update(&teacher.sha256));
    hash.update(distill.temperature.to_le_bytes());
    // Equal weights add nothing, so that files of earlier versions remain valid.
    distill
        .teacher_weights
        .iter()
        .for_each(|weight| hash.update(weight.to_le_bytes()));
    hex::encode(hash.finalize())
}

/// Returns the soft targets `[N, 7]` of unaugmented faces: the mean over each face and its mirror image. Returns `None` if
/// `stop` was set.
///
/// A model file with two views (`mien-train export --views flip`) returns the same output for a face and its mirror image.
/// The mean over both then changes nothing and doubles the time.
///
/// # Errors
/// Returns an error if a teacher fails.
pub fn compute(
    teachers: &mut Teachers,
    faces: &FaceSet,
    stop: &AtomicBool,
) -> Result<Option<Vec<f32>>, TeacherError> {
    let views = Tta::Flip.views();
    let share = 1.0 / views.len() as f32;
    let mut targets = Vec::with_capacity(faces.len() * Expression::COUNT);
    let progress = TeacherProgress::new(faces.len());
    for faces in faces.faces.chunks(CHUNK) {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let mut mean = vec![0.0; faces.len() * Expression::COUNT];
        for view in &views {
            let images = faces.iter().map(|face| view.apply(face));
            let pixels: Vec<f32> = images
                .flat_map(|face| {
                    face.pixels()
                        .iter()
                        .map(|&p| f32::from(p))
                        .collect::<Vec<_>>()
                })
                .collect();
            for (mean, p) in mean.iter_mut().zip(teachers.soft_targets(&pixels)?) {
                *mean += p * share;
            }
        }
        targets.extend(mean);
        progress.advance(faces.len());
    }
    Ok(Some(targets))
}

/// Writes the teacher outputs, probabilities `[N, 7]`, with their [`key`].
///
/// # Errors
/// Returns an error if the file cannot be written.
pub fn write(folder: &Path, targets: &[f32], key: &str) -> Result<(), TeacherCacheError> {
    let path = folder.join(FILE_NAME);
    let write = || -> io::Result<()> {
        let tensors = [
            (
                TARGETS,
                Tensor::from_slice(targets).view([-1, Expression::COUNT as i64]),
            ),
            (KEY, Tensor::from_slice(key.as_bytes())),
        ];
        let file = AtomicFile::create(&path)?;
        Tensor::write_safetensors(&tensors, file.temp_path()).map_err(io::Error::other)?;
        file.commit()
    };
    write().map_err(|source| TeacherCacheError {
        path: path.clone(),
        source,
    })
}

/// Returns the cached teacher outputs, `[faces, 7]`. Returns `None` if the file is missing or damaged, or if its key or
/// number of faces differs. The caller then runs the teachers again.
pub fn read(folder: &Path, faces: usize, key: &str) -> Option<Vec<f32>> {
    let tensors = Tensor::read_safetensors(folder.join(FILE_NAME)).ok()?;
    let tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
    let stored_key = Vec::<u8>::try_from(tensors.get(KEY)?).ok()?;
    let targets = tensors.get(TARGETS)?;
    let fits =
        targets.size() == [faces as i64, Expression::COUNT as i64] && stored_key == key.as_bytes();
    let targets = Vec::<f32>::try_from(&targets.f_flatten(0, -1).ok()?).ok()?;
    (fits && targets.iter().all(|p| (0.0..=1.0).contains(p))).then_some(targets)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mien_faces::image::Face;

    use super::*;

    #[test]
    fn cache_is_read_only_for_same_key_and_face_count() {
        let folder = tempfile::tempdir().unwrap();
        let targets: Vec<f32> = (0..14).map(|i| i as f32 / 20.0).collect();
        assert_eq!(read(folder.path(), 2, "ab"), None);
        write(folder.path(), &targets, "ab").unwrap();
        assert_eq!(read(folder.path(), 2, "ab"), Some(targets));
        assert_eq!(read(folder.path(), 3, "ab"), None, "more faces");
        assert_eq!(read(folder.path(), 2, "cd"), None, "another key");
        fs::write(folder.path().join(FILE_NAME), "half a file").unwrap();
        assert_eq!(read(folder.path(), 2, "ab"), None);
    }

    #[test]
    fn key_covers_faces_order_teachers_temperature_and_weights() {
        let faces = |pixels: [u8; 2]| FaceSet {
            faces: pixels
                .map(|gray| Face::new(1, vec![gray]).unwrap())
                .to_vec(),
            labels: vec![Expression::Sad; 2],
            ..FaceSet::empty(1)
        };
        let teacher = |sha256: &str| {
            [SourceFile {
                path: "t".into(),
                sha256: sha256.into(),
            }]
        };
        let distill = |keys: &str| -> Distill {
            toml::from_str(&format!("teachers = [\"t\"]\n{keys}")).unwrap()
        };
        let first = key(&faces([1, 2]), &teacher("a"), &distill(""));
        assert_eq!(key(&faces([1, 2]), &teacher("a"), &distill("")), first);
        for other in [
            key(&faces([2, 1]), &teacher("a"), &distill("")),
            key(&faces([1, 2]), &teacher("b"), &distill("")),
            key(&faces([1, 2]), &teacher("a"), &distill("temperature = 1.0")),
            key(
                &faces([1, 2]),
                &teacher("a"),
                &distill("teacher_weights = [2.0]"),
            ),
        ] {
            assert_ne!(other, first);
        }
    }
}
