//! An open model file, and what it declares about itself.

use std::{collections::BTreeMap, path::Path};

use ort::{
    session::builder::GraphOptimizationLevel,
    value::{Outlet, TensorElementType, ValueType},
};

use super::halves;
use crate::inference::{
    InferenceError,
    runtime::Runtime,
    signature::{Element, Port},
};

/// An open model file.
pub struct Session {
    pub(super) inner: ort::session::Session,
    /// Whether its float32 input is given as halves, under the name [`halves::INPUT`].
    pub(super) halved: bool,
}

/// What a model file declares about itself.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// `metadata_props`.
    pub metadata: BTreeMap<String, String>,
    /// The graph's inputs.
    pub inputs: Vec<Port>,
    /// The graph's outputs.
    pub outputs: Vec<Port>,
}

impl Session {
    /// Opens a model file: parses and optimises the graph for the runtime's device.
    ///
    /// `threads` is how many cores one run uses, at least 1. They wait without spinning: a server's other
    /// threads (more sessions, decoding, HTTP) need the cores between two runs.
    ///
    /// # Errors
    /// When the file is no model that ONNX Runtime can run.
    pub fn open(runtime: &Runtime, path: &Path, threads: usize) -> Result<Self, InferenceError> {
        Self::open_as(runtime, path, threads, runtime.halves_inputs())
    }

    /// The same, and with `halves` its input is given as halves where it is float32.
    pub(super) fn open_as(
        runtime: &Runtime,
        path: &Path,
        threads: usize,
        halves: bool,
    ) -> Result<Self, InferenceError> {
        let session = || -> ort::Result<Self> {
            let mut builder = ort::session::Session::builder(runtime.environment())?
                .with_optimization_level(GraphOptimizationLevel::All)?
                .with_intra_threads(threads.max(1))?
                .with_inter_threads(1)?
                .with_intra_op_spinning(false)?
                .with_execution_providers(runtime.providers())?;
            if halves {
                let (inner, halved) = halves::open(&mut builder, path)?;
                return Ok(Self { inner, halved });
            }
            Ok(Self {
                inner: builder.commit_from_file(path)?,
                halved: false,
            })
        };
        session().map_err(|error| InferenceError::Model(without_path(error.message(), path)))
    }

    /// Reads what the model declares: its own input, however it is given.
    ///
    /// # Errors
    /// When its metadata cannot be read.
    pub fn declaration(&self) -> Result<Declaration, InferenceError> {
        let unreadable = |e: ort::Error| InferenceError::Model(format!("its metadata: {e}"));
        let properties = self.inner.metadata().map_err(unreadable)?;
        let mut metadata = BTreeMap::new();
        for key in properties.custom_keys().map_err(unreadable)? {
            if let Some(value) = properties.custom(&key) {
                metadata.insert(key, value);
            }
        }
        let inputs = self.inner.inputs().iter().map(port).collect();
        let outputs = self.inner.outputs().iter().map(port).collect();
        Ok(Declaration {
            metadata,
            inputs,
            outputs,
        })
    }
}

fn port(outlet: &Outlet) -> Port {
    let name = outlet.name().to_owned();
    let ValueType::Tensor { ty, shape, .. } = outlet.dtype() else {
        return Port {
            name,
            element: None,
            shape: Vec::new(),
        };
    };
    let element = if *ty == TensorElementType::Uint8 {
        Element::Uint8
    } else if *ty == TensorElementType::Float32 {
        Element::Float32
    } else if *ty == TensorElementType::Float16 {
        Element::Float16
    } else {
        Element::Other(format!("{ty:?}").to_lowercase())
    };
    Port {
        name,
        element: Some(element),
        shape: shape.to_vec(),
    }
}

/// ONNX Runtime's messages name the file; what is shown to clients must not tell where it lies.
fn without_path(message: &str, path: &Path) -> String {
    message.replace(&path.display().to_string(), "model.onnx")
}
