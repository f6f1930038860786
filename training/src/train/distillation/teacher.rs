//! Teachers: trained networks whose outputs a student network learns. Teachers get faces at 48 px.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use mien_faces::{expression::Expression, image::Face, temperature::softmax};
use tch::{Device, TchError, Tensor};

use crate::{
    arch::catalog::{self, CatalogError, INPUT_SIDE},
    evaluate,
    onnx::session::{Model, Runtime, SessionError},
    recipe::options::Distill,
    torch::{
        network::Network,
        weights::{Weights, WeightsError},
    },
    train::run::{
        completed::{CompletedRun, CompletedRunError},
        source_file::SourceFile,
    },
};

/// Pixels per image.
const AREA: usize = INPUT_SIDE * INPUT_SIDE;

/// A teacher cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the teacher {path}: {reason}; check `distill.teachers` in the recipe")]
pub struct TeacherError {
    /// The model file or the run's folder.
    pub path: PathBuf,
    /// The cause.
    pub reason: Reason,
}

/// Causes of a [`TeacherError`].
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// The file cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// ONNX Runtime failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The run is missing, damaged or not complete.
    #[error(transparent)]
    Run(#[from] CompletedRunError),
    /// The run's network is unknown.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The weights do not match the network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// libtorch failed.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
    /// The outputs have another length, or contain NaN or infinity.
    #[error("its outputs are not seven finite logits per face")]
    Outputs,
}

#[derive(Debug)]
enum Source {
    Onnx(Model),
    Run {
        network: Network,
        weights: Weights,
        device: Device,
    },
}

#[derive(Debug)]
struct Teacher {
    file: SourceFile,
    source: Source,
}

/// All teachers of a recipe.
#[derive(Debug)]
pub struct Teachers {
    teachers: Vec<Teacher>,
    /// Share of each teacher in their mean; the sum is 1.
    shares: Vec<f32>,
    temperature: f64,
}

impl Teachers {
    /// Opens every teacher and tests it on one face. Model files run on ONNX Runtime with `threads` CPU threads; runs use
    /// libtorch.
    ///
    /// # Errors
    /// Returns the error of the first teacher that cannot be used.
    pub fn open(distill: &Distill, threads: usize, device: Device) -> Result<Self, TeacherError> {
        let mut runtime = None;
        let mut teachers = Vec::new();
        for path in &distill.teachers {
            let fail = |reason| TeacherError {
                path: path.clone(),
                reason,
            };
            let mut teacher = Teacher::open(path, &mut runtime, threads, device).map_err(fail)?;
            let blank = vec![128.0; AREA];
            teacher.logits(&blank).map_err(fail)?;
            teachers.push(teacher);
        }
        Ok(Self {
            teachers,
            shares: distill.shares(),
            temperature: distill.temperature,
        })
    }

    /// Returns the teachers' files with their digests.
    pub fn files(&self) -> Vec<SourceFile> {
        self.teachers
            .iter()
            .map(|teacher| teacher.file.clone())
            .collect()
    }

    /// Returns the weighted mean of the teachers' probabilities at the recipe's temperature, `[N, 7]`. The input are images
    /// `[N, 1, 48, 48]` with gray values 0..255.
    ///
    /// # Errors
    /// Returns the error of the first teacher that fails.
    pub fn soft_targets(&mut self, pixels: &[f32]) -> Result<Vec<f32>, TeacherError> {
        let mut mean = vec![0.0; pixels.len() / AREA * Expression::COUNT];
        for (teacher, share) in self.teachers.iter_mut().zip(&self.shares) {
            let logits = teacher.logits(pixels).map_err(|reason| TeacherError {
                path: teacher.file.path.clone(),
                reason,
            })?;
            let (rows, _) = logits.as_chunks::<{ Expression::COUNT }>();
            let probabilities = rows.iter().flat_map(|row| softmax(row, self.temperature));
            for (mean, p) in mean.iter_mut().zip(probabilities) {
                *mean += p * share;
            }
        }
        Ok(mean)
    }
}

impl Teacher {
    fn open(
        path: &Path,
        runtime: &mut Option<Runtime>,
        threads: usize,
        device: Device,
    ) -> Result<Self, Reason> {
        if path.is_dir() {
            return Self::of_run(path, device);
        }
        let bytes = fs::read(path)?;
        let runtime = match runtime {
            Some(runtime) => runtime,
            none => none.insert(Runtime::load()?),
        };
        let source = Source::Onnx(Model::open_without_spinning(runtime, &bytes, threads)?);
        Ok(Self {
            file: SourceFile::of(path, &bytes),
            source,
        })
    }

    fn of_run(folder: &Path, device: Device) -> Result<Self, Reason> {
        let CompletedRun {
            run,
            recipe,
            checkpoint,
            file,
        } = CompletedRun::open(folder)?;
        let graph = catalog::build(&run.architecture)?;
        let weights = checkpoint.averaged(&graph, device)?;
        let network =
            Network::new(graph, recipe.precision.kind(device)).map_err(CatalogError::from)?;
        Ok(Self {
            file,
            source: Source::Run {
                network,
                weights,
                device,
            },
        })
    }

    /// Returns logits `[N, 7]` for images `[N, 1, 48, 48]` with gray values 0..255.
    fn logits(&mut self, pixels: &[f32]) -> Result<Vec<f32>, Reason> {
        let logits = match &mut self.source {
            Source::Onnx(model) => model.run(&faces(pixels))?.logits,
            Source::Run {
                network,
                weights,
                device,
            } => {
                let side = INPUT_SIDE as i64;
                let images = Tensor::from_slice(pixels).f_view([-1, 1, side, side])?;
                let logits = evaluate::forward(network, weights, &images, *device)?;
                Vec::try_from(&logits.f_flatten(0, -1)?)?
            }
        };
        let expected = pixels.len() / AREA * Expression::COUNT;
        let fits = logits.len() == expected && logits.iter().all(|value| value.is_finite());
        fits.then_some(logits).ok_or(Reason::Outputs)
    }
}

/// Rounds images to whole gray levels, which model files require.
fn faces(pixels: &[f32]) -> Vec<Face> {
    let face = |image: &[f32]| {
        let gray = image.iter().map(|value| value.round() as u8).collect();
        Face::new(INPUT_SIDE, gray).expect("an image has 48 * 48 pixels")
    };
    pixels.chunks_exact(AREA).map(face).collect()
}
