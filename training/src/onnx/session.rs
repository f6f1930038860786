//! Runs model files with ONNX Runtime.

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
};

use mien_faces::image::Face;
use mien_host::{
    environment::{self, ORT_DISABLE_TELEMETRY},
    sync::lock,
};
use ort::{environment::Environment, session::Session, value::TensorRef};

pub mod observer;

/// ONNX Runtime failed.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The library cannot be loaded.
    #[error("cannot load ONNX Runtime from {path}: {detail}; `cargo xtask setup` fetches it")]
    Library {
        /// Path of the library.
        path: PathBuf,
        /// The error of the loader.
        detail: String,
    },
    /// The environment does not turn off the telemetry of ONNX Runtime.
    #[error(
        "{ORT_DISABLE_TELEMETRY} is not 1, so ONNX Runtime would send telemetry; set {ORT_DISABLE_TELEMETRY}=1"
    )]
    Telemetry,
    /// The model has other inputs or outputs than `models/README.md` specifies.
    #[error(
        "the model does not have the input `image` and the outputs `logits` and `probabilities`"
    )]
    Contract,
    /// ONNX Runtime rejects the model or the faces.
    #[error("ONNX Runtime: {0}")]
    Run(#[from] ort::Error),
}

/// Outputs for a batch of faces, with one row per face.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// Logits `[N, 7]`, before temperature and softmax.
    pub logits: Vec<f32>,
    /// Probabilities `[N, 7]`. The sum of each row is 1.
    pub probabilities: Vec<f32>,
}

/// The environment of this process. ONNX Runtime allows one per process, also after the first one was dropped.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// A handle to ONNX Runtime. All handles of a process share one environment.
#[derive(Debug)]
pub struct Runtime(Environment);

impl Runtime {
    /// Returns the environment of this process. The first call loads the library at `ORT_DYLIB_PATH`, else the one that
    /// `cargo xtask setup` installed.
    ///
    /// # Errors
    /// Returns an error if the library is missing, has another version or would send telemetry.
    pub fn load() -> Result<Self, SessionError> {
        let mut environment = lock(&ENVIRONMENT);
        let shared = match &*environment {
            Some(loaded) => loaded.clone(),
            None => environment.insert(Self::environment()?).clone(),
        };
        Ok(Self(shared))
    }

    /// Opens the bytes of a `.onnx` file on one thread of the CPU.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime rejects the model.
    pub(super) fn open_on_one_thread(&self, bytes: &[u8]) -> Result<Session, SessionError> {
        let builder = Session::builder(&self.0)?;
        let mut builder = builder.with_intra_threads(1).map_err(ort::Error::from)?;
        Ok(builder.commit_from_memory(bytes)?)
    }

    fn environment() -> Result<Environment, SessionError> {
        if !environment::telemetry_is_disabled() {
            return Err(SessionError::Telemetry);
        }
        let path = std::env::var_os("ORT_DYLIB_PATH").map_or_else(
            || Path::new(".runtime/onnxruntime/libonnxruntime.so").to_owned(),
            PathBuf::from,
        );
        let missing = |detail: String| SessionError::Library {
            path: path.clone(),
            detail,
        };
        let builder = ort::init_from(&path).map_err(|e| missing(e.to_string()))?;
        builder
            .with_telemetry(false)
            .build()
            .map_err(|e| missing(e.to_string()))
    }
}

/// A model file, open in ONNX Runtime.
#[derive(Debug)]
pub struct Model {
    session: Session,
}

impl Model {
    /// Opens the bytes of a `.onnx` file on the CPU.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime rejects the model.
    pub fn open(runtime: &Runtime, bytes: &[u8]) -> Result<Self, SessionError> {
        Ok(Self {
            session: Session::builder(&runtime.0)?.commit_from_memory(bytes)?,
        })
    }

    /// Opens the bytes of a `.onnx` file on one thread of the CPU.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime rejects the model.
    pub fn open_on_one_thread(runtime: &Runtime, bytes: &[u8]) -> Result<Self, SessionError> {
        Ok(Self {
            session: runtime.open_on_one_thread(bytes)?,
        })
    }

    /// Opens the bytes of a `.onnx` file on `threads` threads of the CPU. Idle threads sleep instead of spinning, because
    /// libtorch uses the same cores.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime rejects the model, or the model has other inputs or outputs.
    pub fn open_without_spinning(
        runtime: &Runtime,
        bytes: &[u8],
        threads: usize,
    ) -> Result<Self, SessionError> {
        let builder = Session::builder(&runtime.0)?;
        let builder = builder
            .with_intra_threads(threads)
            .map_err(ort::Error::from)?;
        let mut builder = builder
            .with_intra_op_spinning(false)
            .map_err(ort::Error::from)?;
        let session = builder.commit_from_memory(bytes)?;
        let has = |outlets: &[ort::value::Outlet], name| outlets.iter().any(|o| o.name() == name);
        let fits = has(session.inputs(), "image")
            && has(session.outputs(), "logits")
            && has(session.outputs(), "probabilities");
        fits.then_some(Self { session })
            .ok_or(SessionError::Contract)
    }

    /// Runs faces of the model's input size as one batch.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime rejects the faces.
    pub fn run(&mut self, faces: &[Face]) -> Result<Outputs, SessionError> {
        let (shape, pixels) = image(faces);
        let image = TensorRef::from_array_view((shape, &pixels[..]))?;
        let outputs = self.session.run(ort::inputs!["image" => image])?;
        let (_, logits) = outputs["logits"].try_extract_tensor::<f32>()?;
        let (_, probabilities) = outputs["probabilities"].try_extract_tensor::<f32>()?;
        Ok(Outputs {
            logits: logits.to_vec(),
            probabilities: probabilities.to_vec(),
        })
    }
}

/// Returns the shape `[N, 1, S, S]` and the pixels of the input `image` for faces of one size.
fn image(faces: &[Face]) -> ([usize; 4], Vec<u8>) {
    let side = faces.first().map_or(0, Face::side);
    let pixels = faces.iter().flat_map(|face| face.pixels());
    ([faces.len(), 1, side, side], pixels.copied().collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{collections::BTreeMap, fs, sync::LazyLock};

    use super::*;
    use crate::{
        arch::{catalog, parameter},
        onnx::{
            metadata::Metadata,
            views::Views,
            weights::WeightFormat,
            writer::{self, Values},
        },
    };

    /// ONNX Runtime allows one environment per process, so all unit tests share it.
    pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::load().unwrap());

    /// Returns metadata with these properties. All other fields are empty.
    pub(crate) fn metadata(temperature: f64, views: Views, weights: WeightFormat) -> Metadata {
        Metadata {
            architecture: String::new(),
            parameters: 0,
            temperature,
            views,
            weights,
            trained_on: String::new(),
            recipe: serde_json::Value::Null,
            accuracy: BTreeMap::new(),
            created: String::new(),
        }
    }

    /// Returns the number of Cast nodes. Protobuf encodes the type of a node as field 4.
    fn casts(file: &[u8]) -> usize {
        file.windows(6)
            .filter(|window| window == b"\x22\x04Cast")
            .count()
    }

    #[test]
    fn loading_folds_float16_casts() {
        let graph = catalog::build("resnet-8-v1").unwrap();
        let parameters = parameter::list(&graph).unwrap();
        let values: Values = parameters
            .into_iter()
            .map(|p| (p.name.clone(), vec![0.5; p.len()]))
            .collect();
        let metadata = metadata(1.0, Views::Flip, WeightFormat::Float16);
        let bytes = writer::encode(&graph, &values, &metadata).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("optimised.onnx");
        let builder = Session::builder(&RUNTIME.0).unwrap();
        let mut builder = builder.with_optimized_model_path(&path).unwrap();
        builder.commit_from_memory(&bytes).unwrap();
        let optimised = fs::read(path).unwrap();
        assert!(casts(&bytes) > 1, "there are casts to fold");
        assert_eq!(casts(&optimised), 1, "pixels are cast to float32");
    }
}
