//! The teachers' answers to the training faces, kept in the run's folder where they answer once: a resume need not ask again.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use mien_faces::emotion::Emotion;
use tch::Tensor;

use crate::files;

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

/// Keeps the answers `[N, 7]` that were given at a temperature.
///
/// # Errors
/// Where the file cannot be written.
pub fn keep(folder: &Path, answers: &[f32], temperature: f64) -> Result<(), AnswersError> {
    let path = folder.join(FILE_NAME);
    let partial = folder.join(format!("{FILE_NAME}.partial"));
    let write = || -> io::Result<()> {
        let tensors = [
            ("answers", Tensor::from_slice(answers).view([-1, Emotion::COUNT as i64])),
            ("temperature", Tensor::from_slice(&[temperature])),
        ];
        Tensor::write_safetensors(&tensors, &partial).map_err(io::Error::other)?;
        files::put_in_place(&partial, &path)
    };
    write().map_err(|source| {
        files::forget(&partial);
        AnswersError { path: path.clone(), source }
    })
}

/// The answers that an earlier process of the run has kept for so many faces; `None` where there are none, or others:
/// they can be asked for again. Faces and teachers are those of the run, which a resume has checked.
pub fn kept(folder: &Path, faces: usize, temperature: f64) -> Option<Vec<f32>> {
    let tensors = Tensor::read_safetensors(folder.join(FILE_NAME)).ok()?;
    let tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
    let given_at = f64::try_from(tensors.get("temperature")?).ok()?;
    let answers = tensors.get("answers")?;
    let fits = answers.size() == [faces as i64, Emotion::COUNT as i64] && given_at == temperature;
    let answers = Vec::<f32>::try_from(&answers.f_flatten(0, -1).ok()?).ok()?;
    (fits && answers.iter().all(|p| (0.0..=1.0).contains(p))).then_some(answers)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn answers_are_those_that_were_kept_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let answers: Vec<f32> = (0..14).map(|i| i as f32 / 20.0).collect();
        assert_eq!(kept(folder.path(), 2, 2.0), None);
        keep(folder.path(), &answers, 2.0).unwrap();
        assert_eq!(kept(folder.path(), 2, 2.0), Some(answers));
        assert_eq!(kept(folder.path(), 3, 2.0), None, "other faces");
        assert_eq!(kept(folder.path(), 2, 1.0), None, "another temperature");
        fs::write(folder.path().join(FILE_NAME), "half a file").unwrap();
        assert_eq!(kept(folder.path(), 2, 2.0), None);
    }
}
