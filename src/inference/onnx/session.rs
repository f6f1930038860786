//! An open model file and its metadata.

use std::{collections::BTreeMap, path::Path};

use ort::{
    session::builder::{GraphOptimizationLevel, SessionBuilder},
    value::{Outlet, TensorElementType, ValueType},
};

use super::{
    fp16_input,
    message::{without_absolute_paths, without_path},
};
use crate::inference::{
    InferenceError,
    runtime::{CallTimer, Runtime, openvino::CompiledModel},
    signature::{ElementType, TensorInfo},
};

/// The provider of a session.
#[derive(Clone, Copy)]
pub(super) enum Provider<'a> {
    /// The default provider of the device, with this number of threads.
    Default(usize),
    /// OpenVINO.
    OpenVino(&'a CompiledModel),
}

/// An open model file.
pub struct Session {
    pub(super) inner: ort::session::Session,
    /// Whether the session takes float16 values under the name [`fp16_input::INPUT`] instead of its float32 input.
    pub(super) fp16_input: bool,
    /// Whether the first call with each batch size compiles kernels.
    pub(super) compiles_batch_sizes: bool,
    /// Limits the time of the calls.
    pub(super) timer: CallTimer,
}

/// The metadata of a model file.
#[derive(Debug, Clone)]
pub struct ModelMetadata {
    /// `metadata_props`.
    pub properties: BTreeMap<String, String>,
    /// Inputs of the graph.
    pub inputs: Vec<TensorInfo>,
    /// Outputs of the graph.
    pub outputs: Vec<TensorInfo>,
}

impl Session {
    /// Opens a model file and optimises the graph for the device of the runtime.
    ///
    /// One inference call uses `threads` cores, at least 1. The threads wait without spinning, because other threads of the
    /// server (further sessions, decoding, HTTP) need the cores between two calls.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime cannot run the file, or does not load it within the time limit.
    pub fn open(runtime: &Runtime, path: &Path, threads: usize) -> Result<Self, InferenceError> {
        Self::open_with(runtime, path, threads, runtime.fp16_input())
    }

    /// Opens a model file, with a float16 input if `fp16_input` is set and the file's only input is float32.
    pub(super) fn open_with(
        runtime: &Runtime,
        path: &Path,
        threads: usize,
        fp16_input: bool,
    ) -> Result<Self, InferenceError> {
        let open = |builder: &mut SessionBuilder| {
            if fp16_input {
                fp16_input::open(builder, path)
            } else {
                Ok((builder.commit_from_file(path)?, false))
            }
        };
        Self::build(runtime, Provider::Default(threads), open, |message| {
            without_path(message, path)
        })
    }

    /// Opens the content of a model file like [`Self::open`].
    ///
    /// # Errors
    /// Returns the errors of [`Self::open`].
    pub(super) fn open_bytes(
        runtime: &Runtime,
        model: &[u8],
        threads: usize,
    ) -> Result<Self, InferenceError> {
        let open = |builder: &mut SessionBuilder| Ok((builder.commit_from_memory(model)?, false));
        Self::build(
            runtime,
            Provider::Default(threads),
            open,
            without_absolute_paths,
        )
    }

    /// Creates a session with `open`, which also returns whether the input was converted to float16. `public` removes paths from
    /// the message of an error.
    pub(super) fn build(
        runtime: &Runtime,
        provider: Provider<'_>,
        open: impl FnOnce(&mut SessionBuilder) -> ort::Result<(ort::session::Session, bool)>,
        public: impl Fn(&str) -> String,
    ) -> Result<Self, InferenceError> {
        let failed = |error: ort::Error| InferenceError::Model(public(error.message()));
        let mut builder = builder(runtime, provider).map_err(failed)?;
        let watchdog = runtime.watchdog();
        let load = watchdog.watch_load(builder.canceler());
        let (inner, fp16_input) =
            open(&mut builder).map_err(|error| match watchdog.cancellation(&load) {
                Some(reason) => InferenceError::Timeout(reason),
                None => failed(error),
            })?;
        Ok(Self {
            inner,
            fp16_input,
            compiles_batch_sizes: matches!(provider, Provider::OpenVino(_)),
            timer: watchdog.watch().map_err(failed)?,
        })
    }

    /// Returns whether the first call with each batch size compiles kernels.
    pub fn compiles_batch_sizes(&self) -> bool {
        self.compiles_batch_sizes
    }

    /// Reads the metadata of the file, with the file's own input even if the session takes float16 instead.
    ///
    /// # Errors
    /// Returns an error if the metadata cannot be read.
    pub fn metadata(&self) -> Result<ModelMetadata, InferenceError> {
        let unreadable =
            |error: ort::Error| InferenceError::Model(format!("cannot read its metadata: {error}"));
        let metadata = self.inner.metadata().map_err(unreadable)?;
        let mut properties = BTreeMap::new();
        for key in metadata.custom_keys().map_err(unreadable)? {
            if let Some(value) = metadata.custom(&key) {
                properties.insert(key, value);
            }
        }
        let inputs = self.inner.inputs().iter().map(tensor_info).collect();
        let outputs = self.inner.outputs().iter().map(tensor_info).collect();
        Ok(ModelMetadata {
            properties,
            inputs,
            outputs,
        })
    }
}

/// Returns the builder of a session. OpenVINO has threads of its own.
fn builder(runtime: &Runtime, provider: Provider<'_>) -> ort::Result<SessionBuilder> {
    let threads = match provider {
        Provider::Default(threads) => threads.max(1),
        Provider::OpenVino(_) => 1,
    };
    let builder = ort::session::Session::builder(runtime.environment())?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(threads)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?;
    Ok(match provider {
        Provider::Default(_) => runtime.with_default_provider(builder)?,
        Provider::OpenVino(model) => runtime.with_openvino_device(builder, model)?,
    })
}

fn tensor_info(outlet: &Outlet) -> TensorInfo {
    let name = outlet.name().to_owned();
    let ValueType::Tensor { ty, shape, .. } = outlet.dtype() else {
        return TensorInfo {
            name,
            element: None,
            shape: Vec::new(),
        };
    };
    let element = if *ty == TensorElementType::Uint8 {
        ElementType::Uint8
    } else if *ty == TensorElementType::Float32 {
        ElementType::Float32
    } else if *ty == TensorElementType::Float16 {
        ElementType::Float16
    } else {
        ElementType::Other(format!("{ty:?}").to_lowercase())
    };
    TensorInfo {
        name,
        element: Some(element),
        shape: shape.to_vec(),
    }
}
