//! ONNX Runtime against libtorch, on real faces.

use mien_faces::image::Face;
use tch::{Device, Kind};

use super::ExportError;
use crate::{
    evaluate,
    onnx::session::Model,
    torch::{network::Network, weights::Weights},
};

/// The largest difference between libtorch's and ONNX Runtime's outputs with which a file is written.
pub const TOLERANCE: f32 = 1e-4;

/// Batch sizes at which both are compared.
const PARITY_BATCHES: [usize; 3] = [1, 3, PARITY_PICTURES];

/// Pictures that the largest of them takes.
pub(crate) const PARITY_PICTURES: usize = 64;

/// The largest difference of a probability, or of a logit as a share of the largest logit (where that is above 1),
/// between libtorch and ONNX Runtime at batches of 1, 3 and 64; fewer faces than a batch are repeated.
///
/// # Errors
/// [`ExportError::Parity`] where it is above [`TOLERANCE`], and what either of them refuses.
pub(crate) fn compare(
    network: &Network,
    weights: &Weights,
    temperature: f64,
    model: &mut Model,
    faces: &[Face],
) -> Result<f32, ExportError> {
    let mut largest = 0.0f32;
    for batch in PARITY_BATCHES {
        let faces: Vec<Face> = faces.iter().cycle().take(batch).cloned().collect();
        let logits = evaluate::logits(network, weights, &faces, Device::Cpu)?;
        let probabilities = logits.f_div_scalar(temperature)?.f_softmax(-1, Kind::Float)?;
        let answers = model.run(&faces)?;
        // Single floats have seven digits: large logits differ by more.
        let scale = logits.f_abs()?.f_max()?.f_double_value(&[])?.max(1.0) as f32;
        for (expected, found, scale) in
            [(&logits, &answers.logits, scale), (&probabilities, &answers.probabilities, 1.0)]
        {
            let expected: Vec<f32> = Vec::try_from(&expected.f_flatten(0, -1)?)?;
            let difference = largest_difference(&expected, found) / scale;
            if difference > TOLERANCE || difference.is_nan() {
                return Err(ExportError::Parity { difference, batch });
            }
            largest = largest.max(difference);
        }
    }
    Ok(largest)
}

/// The largest difference of two values in the same place; a NaN counts as the largest.
pub(crate) fn largest_difference(expected: &[f32], found: &[f32]) -> f32 {
    let differences = expected.iter().zip(found).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |a: f32, b| if b > a || b.is_nan() { b } else { a })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        arch::catalog,
        export::values,
        onnx::{fuse::Fusing, metadata::Metadata, session::Runtime, writer},
    };

    fn metadata(temperature: f64) -> Metadata {
        Metadata {
            architecture: String::new(),
            parameters: 0,
            temperature,
            trained_on: String::new(),
            recipe: serde_json::Value::Null,
            accuracy: BTreeMap::new(),
            created: String::new(),
        }
    }

    #[test]
    fn every_family_answers_in_onnx_runtime_as_in_libtorch_and_others_are_refused() {
        let runtime = Runtime::load().unwrap();
        let faces = [Face::new(48, (0..48 * 48).map(|i| (i % 251) as u8).collect()).unwrap()];
        for name in [
            "resnet-8-v1",
            "resnet-11-v2",
            "densenet-20-4-c05",
            "vgg-8x2-16x1",
            "vgg-5x1-7x3-2x1",
            "resnet-d-8-8x1-16x2",
            "resnet-d-3-5-7x2-4x1-9x3",
        ] {
            let graph = catalog::build(name).unwrap();
            let [one, other] =
                [1, 2].map(|seed| Weights::random(&graph, seed, Device::Cpu).unwrap());
            let network = Network::new(graph.clone(), Kind::Float).unwrap();
            for fusing in [Fusing::Fused, Fusing::Kept] {
                let (graph, values) = fusing.apply(&graph, values(&one).unwrap()).unwrap();
                let bytes = writer::encode(&graph, &values, &metadata(1.7)).unwrap();
                let mut model = Model::open(&runtime, &bytes).unwrap();
                let mut compare = |weights, temperature| {
                    compare(&network, weights, temperature, &mut model, &faces)
                };
                assert!(compare(&one, 1.7).unwrap() <= TOLERANCE, "{name}");
                for refused in [compare(&other, 1.7), compare(&one, 1.0)] {
                    assert!(matches!(refused, Err(ExportError::Parity { .. })), "{name}");
                }
            }
        }
    }
}
