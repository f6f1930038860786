//! Verifies a model file before it is written: compares it with libtorch, and rounded weights with unrounded ones.

use mien_faces::image::Face;
use tch::Kind;

use super::{ExportError, Trained, parity, rounding};
use crate::{
    arch::graph::Graph,
    onnx::{
        error::WriteError,
        metadata::Metadata,
        session::{Model, Runtime},
        weights::WeightFormat,
        writer::{self, Values},
    },
    report::Rounding,
    torch::network::Network,
};

/// The contents of a model file.
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
    /// Effect of rounding; `None` for float32 weights.
    pub(super) rounding: Option<Rounding>,
}

impl Contents {
    /// Returns the bytes of the file.
    pub(super) fn encode(&self) -> Result<Vec<u8>, WriteError> {
        writer::encode(&self.graph, &self.values, &self.metadata)
    }

    /// Compares the file with `trained` in libtorch on `real` faces. Compares rounded weights with unrounded ones on the
    /// `held_out` faces, or on `real` faces if none are held out.
    ///
    /// # Errors
    /// Returns an error if a comparison exceeds its tolerance, or a library fails.
    pub(super) fn verify(
        &self,
        trained: &Trained,
        runtime: &Runtime,
        real: &[Face],
        held_out: &[Face],
    ) -> Result<Verified, ExportError> {
        let Metadata {
            temperature,
            views,
            weights,
            ..
        } = self.metadata;
        let unrounded = Metadata {
            weights: WeightFormat::Float32,
            ..self.metadata.clone()
        };
        let bytes = writer::encode(&self.graph, &self.values, &unrounded)?;
        let mut model = Model::open(runtime, &bytes)?;
        let network = Network::new(trained.graph.clone(), Kind::Float)?;
        let parity = parity::compare(
            &network,
            &trained.weights,
            temperature,
            views,
            &mut model,
            real,
        )?;
        if weights == WeightFormat::Float32 {
            return Ok(Verified {
                model,
                parity,
                rounding: None,
            });
        }
        let faces = if held_out.is_empty() { real } else { held_out };
        let mut rounded = Model::open(runtime, &self.encode()?)?;
        let rounding = rounding::measure(&mut model, &mut rounded, faces)?;
        Ok(Verified {
            model: rounded,
            parity,
            rounding: Some(rounding),
        })
    }
}
