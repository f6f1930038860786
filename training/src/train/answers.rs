//! The teachers' answers to the training faces, kept in the run's folder where they answer once: a resume need not ask again.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use mien_faces::expression::Expression;
use sha2::{Digest, Sha256};
use tch::Tensor;

use super::run::SourceFile;
use crate::{data::FaceSet, files, recipe::choices::Distill};

/// The file's name in the run's folder.
const FILE_NAME: &str = "answers.safetensors";

/// Answers that cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep the teachers' answers in {path}: {source}")]
pub struct AnswersError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Returns the key of cached outputs: the SHA-256 of the faces in their order, the teachers' files, the temperature, and the
/// teachers' weights if they are not equal by default.
pub fn key(faces: &FaceSet, teachers: &[SourceFile], distill: &Distill) -> String {
    let mut hash = Sha256::new();
    faces.faces.iter().for_each(|face| hash.update(face.pixels()));
    teachers.iter().for_each(|teacher| hash.update(&teacher.sha256));
    hash.update(distill.temperature.to_le_bytes());
    // Nothing is added by default, so that files of earlier versions remain valid.
    distill.teacher_weights.iter().for_each(|weight| hash.update(weight.to_le_bytes()));
    files::hexadecimal(&hash.finalize())
}

/// Keeps the answers `[N, 7]` to what `key` tells.
///
/// # Errors
/// Where the file cannot be written.
pub fn keep(folder: &Path, answers: &[f32], key: &str) -> Result<(), AnswersError> {
    let path = folder.join(FILE_NAME);
    let partial = folder.join(format!("{FILE_NAME}.partial"));
    let write = || -> io::Result<()> {
        let tensors = [
            ("answers", Tensor::from_slice(answers).view([-1, Expression::COUNT as i64])),
            ("key", Tensor::from_slice(key.as_bytes())),
        ];
        Tensor::write_safetensors(&tensors, &partial).map_err(io::Error::other)?;
        files::put_in_place(&partial, &path)
    };
    write().map_err(|source| {
        files::forget(&partial);
        AnswersError { path: path.clone(), source }
    })
}

/// The answers to so many faces that an earlier process has kept; `None` where there are none, or those to something else
/// than `key` tells: they can be asked for again.
pub fn kept(folder: &Path, faces: usize, key: &str) -> Option<Vec<f32>> {
    let tensors = Tensor::read_safetensors(folder.join(FILE_NAME)).ok()?;
    let tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
    let given_to = Vec::<u8>::try_from(tensors.get("key")?).ok()?;
    let answers = tensors.get("answers")?;
    let fits =
        answers.size() == [faces as i64, Expression::COUNT as i64] && given_to == key.as_bytes();
    let answers = Vec::<f32>::try_from(&answers.f_flatten(0, -1).ok()?).ok()?;
    (fits && answers.iter().all(|p| (0.0..=1.0).contains(p))).then_some(answers)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mien_faces::image::Face;

    use super::*;

    #[test]
    fn answers_are_those_that_were_kept_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let answers: Vec<f32> = (0..14).map(|i| i as f32 / 20.0).collect();
        assert_eq!(kept(folder.path(), 2, "ab"), None);
        keep(folder.path(), &answers, "ab").unwrap();
        assert_eq!(kept(folder.path(), 2, "ab"), Some(answers));
        assert_eq!(kept(folder.path(), 3, "ab"), None, "more faces");
        assert_eq!(kept(folder.path(), 2, "cd"), None, "other ones");
        fs::write(folder.path().join(FILE_NAME), "half a file").unwrap();
        assert_eq!(kept(folder.path(), 2, "ab"), None);
    }

    #[test]
    fn key_covers_faces_order_teachers_temperature_and_weights() {
        let faces = |pixels: [u8; 2]| FaceSet {
            faces: pixels.map(|gray| Face::new(1, vec![gray]).unwrap()).to_vec(),
            labels: vec![Expression::Sad; 2],
            ..FaceSet::empty(1)
        };
        let teacher = |sha256: &str| [SourceFile { path: "t".into(), sha256: sha256.into() }];
        let distill = |keys: &str| -> Distill {
            toml::from_str(&format!("teachers = [\"t\"]\n{keys}")).unwrap()
        };
        let first = key(&faces([1, 2]), &teacher("a"), &distill(""));
        assert_eq!(key(&faces([1, 2]), &teacher("a"), &distill("")), first);
        for other in [
            key(&faces([2, 1]), &teacher("a"), &distill("")),
            key(&faces([1, 2]), &teacher("b"), &distill("")),
            key(&faces([1, 2]), &teacher("a"), &distill("temperature = 1.0")),
            key(&faces([1, 2]), &teacher("a"), &distill("teacher_weights = [2.0]")),
        ] {
            assert_ne!(other, first);
        }
    }
}
