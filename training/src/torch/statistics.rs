//! Batch-norm statistics taken anew, once training is over.

use mien_faces::image::Face;
use tch::{Kind, TchError, Tensor, no_grad};

use super::{
    network::{Mode, Network},
    weights::Weights,
};

/// Faces a pass.
const BATCH: usize = 128;

/// The same weights with the mean of the batch statistics of these faces, all of one side, in place of the running averages
/// of training ("PreciseBN", Wu and Johnson 2021, *Rethinking "Batch" in BatchNorm*, section 3). Those are of faces that were
/// turned, shifted and covered; these are of faces as they will be sent. The faces should be in random order, each batch
/// a fair sample.
///
/// # Errors
/// What libtorch refuses.
pub fn anew(network: &Network, weights: &Weights, faces: &[Face]) -> Result<Weights, TchError> {
    let fresh = weights.duplicate();
    // A short last batch would weigh as much as a whole one.
    let whole = faces.len().max(BATCH) / BATCH * BATCH;
    for (index, faces) in faces[..whole.min(faces.len())].chunks(BATCH).enumerate() {
        let side = faces[0].side() as i64;
        let pixels: Vec<u8> = faces.iter().flat_map(|face| face.pixels()).copied().collect();
        let pictures = Tensor::from_slice(&pixels).f_view([-1, 1, side, side])?;
        let pictures = pictures.f_to_kind(Kind::Float)?;
        // The running mean of all batches so far.
        let mode = Mode::Measure { share: 1.0 / (index + 1) as f64 };
        let _logits = no_grad(|| network.forward(&fresh, &pictures, mode))?;
    }
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arch::catalog, evaluate};
    use tch::Device;

    /// Faces of noise, dark ones first.
    fn faces(count: usize) -> Vec<Face> {
        let pixel = |i: usize| (i * 7919 % 251 / 2 + i / (48 * 48) % 100) as u8;
        let pixels = |face: usize| (0..48 * 48).map(|i| pixel(face * 48 * 48 + i)).collect();
        (0..count).map(|face| Face::new(48, pixels(face)).unwrap()).collect()
    }

    #[test]
    fn running_statistics_become_those_of_the_faces() {
        let graph = catalog::build("resnet-8-v1").unwrap();
        let weights = Weights::random(&graph, 1, Device::Cpu).unwrap();
        let network = Network::new(graph, Kind::Float).unwrap();
        let faces = faces(BATCH + 5);
        let whole = &faces[..BATCH];

        let pixels: Vec<u8> = whole.iter().flat_map(|face| face.pixels()).copied().collect();
        let pictures = Tensor::from_slice(&pixels).view([-1, 1, 48, 48]).to_kind(Kind::Float);
        let used = weights.duplicate();
        let by_batch = no_grad(|| network.forward(&used, &pictures, Mode::Train)).unwrap();

        let distance = |weights: &Weights| {
            let logits = evaluate::logits(&network, weights, whole, Device::Cpu).unwrap();
            (logits - &by_batch).abs().max().double_value(&[])
        };
        let fresh = anew(&network, &weights, &faces).unwrap();
        assert!(distance(&weights) > 0.1, "{}", distance(&weights));
        assert!(distance(&fresh) < 0.01, "{}", distance(&fresh));
        for ((parameter, before), (_, after)) in weights.iter().zip(fresh.iter()) {
            let kept = before.allclose(after, 0.0, 0.0, false);
            assert_eq!(kept, parameter.role.is_trainable(), "{}", parameter.name);
        }
    }
}
