//! Compares the outputs of ONNX Runtime and libtorch on real faces.

use mien_faces::image::Face;
use tch::{Device, Kind, TchError, Tensor};

use super::ExportError;
use crate::{
    evaluate,
    onnx::{session::Model, views::Views},
    torch::{network::Network, weights::Weights},
    tta::View,
};

/// Maximum difference between the outputs of libtorch and ONNX Runtime.
pub const TOLERANCE: f32 = 1e-4;

/// Compared batch sizes.
const PARITY_BATCHES: [usize; 3] = [1, 3, PARITY_FACES];

/// Largest compared batch size.
pub(crate) const PARITY_FACES: usize = 64;

/// Returns the largest difference between libtorch and ONNX Runtime at batch sizes 1, 3 and 64: of a probability, or of a
/// logit relative to the largest logit if that is above 1. If there are fewer faces than a batch, faces are repeated. With
/// several views, libtorch runs each view separately and the probabilities are averaged here.
///
/// # Errors
/// Returns [`ExportError::Parity`] if the difference exceeds [`TOLERANCE`], and errors of either library.
pub(crate) fn compare(
    network: &Network,
    weights: &Weights,
    temperature: f64,
    views: Views,
    model: &mut Model,
    faces: &[Face],
) -> Result<f32, ExportError> {
    let mut largest = 0.0f32;
    for batch in PARITY_BATCHES {
        let faces: Vec<Face> = faces.iter().cycle().take(batch).cloned().collect();
        let (logits, probabilities) = expected(network, weights, temperature, views, &faces)?;
        let outputs = model.run(&faces)?;
        // float32 has seven digits, so the absolute error grows with the logits.
        let scale = logits.f_abs()?.f_max()?.f_double_value(&[])?.max(1.0) as f32;
        for (expected, found, scale) in [
            (&logits, &outputs.logits, scale),
            (&probabilities, &outputs.probabilities, 1.0),
        ] {
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

/// Returns the logits and probabilities, `[N, 7]`, that `models/README.md` specifies for a file, computed by libtorch.
fn expected(
    network: &Network,
    weights: &Weights,
    temperature: f64,
    views: Views,
    faces: &[Face],
) -> Result<(Tensor, Tensor), TchError> {
    if views == Views::Single {
        let logits = evaluate::logits(network, weights, faces, Device::Cpu)?;
        let probabilities = logits
            .f_div_scalar(temperature)?
            .f_softmax(-1, Kind::Float)?;
        return Ok((logits, probabilities));
    }
    let log_probabilities = |view: View| {
        let seen: Vec<Face> = faces.iter().map(|face| view.apply(face)).collect();
        let logits = evaluate::logits(network, weights, &seen, Device::Cpu)?;
        logits
            .f_div_scalar(temperature)?
            .f_log_softmax(-1, Kind::Double)
    };
    let logarithms = views
        .tta()
        .views()
        .into_iter()
        .map(log_probabilities)
        .collect::<Result<Vec<_>, _>>()?;
    let logarithms = Tensor::f_stack(&logarithms, 0)?;
    let probabilities = logarithms
        .f_exp()?
        .f_mean_dim(&[0_i64][..], false, Kind::Double)?;
    // The logarithm of the mean is also finite if the probability is 0 in float32.
    let sum = logarithms.f_logsumexp([0_i64], false)?;
    let logits = sum
        .f_sub_scalar((views.count() as f64).ln())?
        .f_mul_scalar(temperature)?;
    Ok((
        logits.f_to_kind(Kind::Float)?,
        probabilities.f_to_kind(Kind::Float)?,
    ))
}

/// Returns the largest absolute difference between corresponding values. NaN counts as the largest.
pub(crate) fn largest_difference(expected: &[f32], found: &[f32]) -> f32 {
    let differences = expected.iter().zip(found).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |a: f32, b| if b > a || b.is_nan() { b } else { a })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arch::catalog,
        export::values,
        onnx::{
            batch_norm_folding::BatchNormFolding,
            session::tests::{RUNTIME, metadata},
            weights::WeightFormat,
            writer,
        },
    };

    #[test]
    fn onnx_runtime_matches_libtorch_for_every_family() {
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
            for (batch_norm_folding, views) in [
                (BatchNormFolding::Fold, Views::Single),
                (BatchNormFolding::Keep, Views::Single),
                (BatchNormFolding::Fold, Views::Flip),
            ] {
                let (graph, values) = batch_norm_folding
                    .apply(&graph, values(&one).unwrap())
                    .unwrap();
                let bytes = writer::encode(
                    &graph,
                    &values,
                    &metadata(1.7, views, WeightFormat::Float32),
                )
                .unwrap();
                let mut model = Model::open(&RUNTIME, &bytes).unwrap();
                let mut compare = |weights, temperature, views| {
                    compare(&network, weights, temperature, views, &mut model, &faces)
                };
                assert!(compare(&one, 1.7, views).unwrap() <= TOLERANCE, "{name}");
                let other_views = if views == Views::Flip {
                    Views::Single
                } else {
                    Views::Flip
                };
                for mismatch in [
                    compare(&other, 1.7, views),
                    compare(&one, 1.0, views),
                    compare(&one, 1.7, other_views),
                ] {
                    assert!(
                        matches!(mismatch, Err(ExportError::Parity { .. })),
                        "{name}"
                    );
                }
            }
        }
    }
}
