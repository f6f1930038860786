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
    /// The model that was asked.
    #[schema(example = "resnet-20-v1")]
    model: &'a str,
    /// Its version.
    #[schema(value_type = String, example = "1")]
    version: ModelVersion,
    /// The label that is explained.
    #[schema(example = "happy")]
    label: &'a str,
    /// Its probability with nothing covered, 0 to 1.
    #[schema(example = 0.92)]
    probability: f32,
    /// Rows and columns of `weights`: the model's square.
    #[schema(example = json!([48, 48]))]
    size: [usize; 2],
    /// For each pixel of the square the probability that is lost with a patch over the face there, interpolated between the
    /// positions of the patch: above 0 it speaks for the label, below 0 against it. Rows from the top, each from the left;
    /// within [-1, 1].
    #[schema(value_type = Vec<Vec<f32>>, example = json!([[0.0, 0.03], [-0.01, 0.4]]))]
    weights: Vec<Vec<f32>>,
    /// How it was found out.
    occlusion: Method,
}

/// How a face was covered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OcclusionMethod)]
struct Method {
    /// Rows and columns of a patch, in pixels of the square.
    #[schema(example = 8)]
    patch: usize,
    /// Number of positions of the patch; the model classifies one image per position.
    #[schema(example = 121)]
    positions: usize,
    /// The gray that it is filled with: the face's mean, 0 to 255.
    #[schema(example = 131)]
    fill: u8,
}

impl<'a> Document<'a> {
    /// Of what has been found out about a model.
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

/// To six places: what is smaller is the rounding of the model, and would double the answer's length.
fn rounded(weight: f32) -> f32 {
    // Plus zero, for there is a negative one.
    (weight * 1e6).round() / 1e6 + 0.0
}
