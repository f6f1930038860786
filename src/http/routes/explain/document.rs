//! The JSON of an explanation.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    explanation::Explanation,
    models::{ModelVersion, registry::LiveModel},
};

/// The weights of a label.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Explanation)]
pub(super) struct Document<'a> {
    /// Name of the model.
    #[schema(example = "resnet-20-v1")]
    model: &'a str,
    /// Version of the model.
    #[schema(value_type = String, example = "1")]
    version: ModelVersion,
    /// Explained label.
    #[schema(example = "happy")]
    label: &'a str,
    /// Probability of the label for the unmasked face, 0 to 1.
    #[schema(example = 0.92)]
    probability: f32,
    /// Rows and columns of `weights`: the size of the model's input.
    #[schema(example = json!([48, 48]))]
    size: [usize; 2],
    /// Weight per pixel of the input, -1 to 1: how much a patch at this pixel lowers the label's probability, interpolated between
    /// the positions of the patch. Positive weights support the label, negative ones contradict it. Rows are ordered from top to
    /// bottom, columns from left to right.
    #[schema(value_type = Vec<Vec<f32>>, example = json!([[0.0, 0.03], [-0.01, 0.4]]))]
    weights: Vec<Vec<f32>>,
    /// Parameters of the occlusion.
    occlusion: Method,
}

/// Parameters of the occlusion of a face.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OcclusionMethod)]
struct Method {
    /// Rows and columns of the patch in pixels.
    #[schema(example = 8)]
    patch: usize,
    /// Number of positions of the patch; the model classifies one image per position.
    #[schema(example = 121)]
    positions: usize,
    /// Gray level of the patch, 0 to 255: the mean of the face.
    #[schema(example = 131)]
    fill: u8,
}

impl<'a> Document<'a> {
    /// Creates the document of an explanation.
    pub(super) fn of(model: &'a LiveModel, explanation: &Explanation) -> Self {
        let Explanation {
            class,
            probability,
            map,
            occlusion,
        } = explanation;
        let rows = map.weights().chunks_exact(map.side());
        Self {
            model: &model.name,
            version: model.version,
            label: model.manifest.labels.get(*class).unwrap_or_default(),
            probability: *probability,
            size: [map.side(); 2],
            weights: rows
                .map(|row| row.iter().copied().map(rounded).collect())
                .collect(),
            occlusion: Method {
                patch: occlusion.patch(),
                positions: occlusion.positions(),
                fill: occlusion.fill(),
            },
        }
    }
}

/// Rounds to six decimals. Further digits are rounding errors of the model and would double the size of the response.
fn rounded(weight: f32) -> f32 {
    // Adding zero turns -0.0 into 0.0.
    (weight * 1e6).round() / 1e6 + 0.0
}
