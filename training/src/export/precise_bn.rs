//! Recomputes batch-norm statistics after training (`--precise-bn`).

use mien_faces::image::Face;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use tch::{Kind, TchError, no_grad};

use super::{ExportError, Trained};
use crate::{
    data::FaceSet,
    evaluate,
    torch::{
        network::{Mode, Network},
        weights::Weights,
    },
};

/// Faces per forward pass.
const BATCH: usize = 128;

/// Maximum number of faces for the statistics: 32 batches.
const FACES: usize = 4096;

/// Recomputes the batch-norm statistics of a run's averaged weights from faces that it trained on, without augmentation.
/// Returns the number of these faces. `train` are all faces of the training split.
pub(super) fn recompute_bn_stats(
    trained: &mut Trained,
    train: &FaceSet,
) -> Result<usize, ExportError> {
    let (mut rest, _) = trained.split(train);
    rest.faces
        .shuffle(&mut StdRng::seed_from_u64(trained.recipe.seed));
    rest.faces.truncate(FACES);
    // A short last batch would have the same weight as a full one.
    if rest.len() > BATCH {
        rest.faces.truncate(rest.len() / BATCH * BATCH);
    }
    let network = Network::new(trained.graph.clone(), Kind::Float)?;
    trained.weights = with_batch_statistics(&network, &trained.weights, &rest.faces)?;
    Ok(rest.len())
}

/// Returns the weights with the mean of the batch statistics of these faces instead of the running averages of training
/// ("PreciseBN", Wu and Johnson 2021, *Rethinking "Batch" in BatchNorm*, section 3).
///
/// The running averages lag behind the averaged kernels and describe augmented faces. Clients send faces without
/// augmentation. The faces must have one size and be in random order, so that each batch is a fair sample.
fn with_batch_statistics(
    network: &Network,
    weights: &Weights,
    faces: &[Face],
) -> Result<Weights, TchError> {
    let fresh = weights.duplicate();
    for (index, faces) in faces.chunks(BATCH).enumerate() {
        let images = evaluate::to_images(faces)?.f_to_kind(Kind::Float)?;
        // Running mean of all batches so far.
        let mode = Mode::Measure {
            share: 1.0 / (index + 1) as f64,
        };
        let _logits = no_grad(|| network.forward(&fresh, &images, mode))?;
    }
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::{
        arch::catalog,
        torch::{masks::Masks, network::Statistics},
    };

    /// Returns noise images that become brighter.
    fn faces(count: usize) -> Vec<Face> {
        let pixel = |i: usize| (i * 7919 % 251 / 2 + i / (48 * 48) / 3) as u8;
        let pixels = |face: usize| (0..48 * 48).map(|i| pixel(face * 48 * 48 + i)).collect();
        (0..count)
            .map(|face| Face::new(48, pixels(face)).unwrap())
            .collect()
    }

    #[test]
    fn recomputed_statistics_are_those_of_the_faces() {
        let graph = catalog::build("resnet-8-v1").unwrap();
        let weights = Weights::random(&graph, 1, Device::Cpu).unwrap();
        let network = Network::new(graph, Kind::Float).unwrap();
        let faces = faces(2 * BATCH);
        let (dark, bright) = faces.split_at(BATCH);

        let images = evaluate::to_images(dark).unwrap().to_kind(Kind::Float);
        let used = weights.duplicate();
        let mode = Mode::Train {
            masks: Masks::Shared,
            statistics: Statistics::Update,
        };
        let by_batch = no_grad(|| network.forward(&used, &images, mode)).unwrap();
        let distance = |weights: &Weights| {
            let logits = evaluate::logits(&network, weights, dark, Device::Cpu).unwrap();
            (logits - &by_batch).abs().max().double_value(&[])
        };
        let of = |faces: &[Face]| with_batch_statistics(&network, &weights, faces).unwrap();
        let [of_dark, of_bright, of_all] = [dark, bright, &faces].map(of);
        assert!(distance(&weights) > 0.1, "{}", distance(&weights));
        assert!(distance(&of_dark) < 0.01, "{}", distance(&of_dark));
        for ((parameter, before), (_, after)) in weights.iter().zip(of_dark.iter()) {
            let unchanged = before.allclose(after, 0.0, 0.0, false);
            assert_eq!(
                unchanged,
                parameter.role.is_trainable(),
                "{}",
                parameter.name
            );
        }

        // All batches have the same weight.
        let halves = of_dark.iter().zip(of_bright.iter());
        for (((parameter, dark), (_, bright)), (_, all)) in halves.zip(of_all.iter()) {
            let mean = (dark + bright) / 2.0;
            assert!(mean.allclose(all, 1e-4, 1e-5, false), "{}", parameter.name);
        }
        let differs = |a: &Weights, b: &Weights| {
            a.iter()
                .zip(b.iter())
                .any(|((_, a), (_, b))| !a.allclose(b, 1e-2, 1e-3, false))
        };
        assert!(
            differs(&of_dark, &of_bright),
            "the halves have equal statistics"
        );
    }
}
