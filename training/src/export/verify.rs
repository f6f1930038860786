//! A model file before it is written: checked against libtorch.

use mien_faces::image::Face;
use tch::Kind;

use super::{ExportError, Trained, parity};
use crate::{
    arch::graph::Graph,
    onnx::{
        metadata::Metadata,
        session::{Model, Runtime},
        writer::{self, Values, WriteError},
    },
    torch::network::Network,
};

/// All that a model file is encoded from.
pub(super) struct Contents {
    pub(super) graph: Graph,
    pub(super) values: Values,
    pub(super) metadata: Metadata,
}

/// A file that passed every check, open in ONNX Runtime.
pub(super) struct Verified {
    pub(super) model: Model,
    /// Largest difference from libtorch, see [`parity::compare`].
    pub(super) parity: f32,
}

impl Contents {
    /// Returns the bytes of the file.
    pub(super) fn encode(&self) -> Result<Vec<u8>, WriteError> {
        writer::encode(&self.graph, &self.values, &self.metadata)
    }

    /// Compares the file with `trained` in libtorch on `real` faces.
    ///
    /// # Errors
    /// If the difference exceeds the tolerance, and whatever either library refuses.
    pub(super) fn verify(
        &self,
        trained: &Trained,
        runtime: &Runtime,
        real: &[Face],
    ) -> Result<Verified, ExportError> {
        let Metadata { temperature, views, .. } = self.metadata;
        let mut model = Model::open(runtime, &self.encode()?)?;
        let network = Network::new(trained.graph.clone(), Kind::Float)?;
        let parity =
            parity::compare(&network, &trained.weights, temperature, views, &mut model, real)?;
        Ok(Verified { model, parity })
    }
}
