//! Evaluates weights on faces with libtorch.

use mien_faces::{
    expression::Expression,
    image::Face,
    report::Confusion,
    temperature::{self, Logits},
};
use tch::{Device, Kind, TchError, Tensor, no_grad};

use crate::{
    data::FaceSet,
    torch::{
        network::{Mode, Network},
        weights::Weights,
    },
};

/// Faces per pass.
const BATCH: usize = 128;

/// Metrics of weights on a set of faces.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Share of correct predictions, 0..1.
    pub accuracy: f64,
    /// Mean negative log-likelihood, in nats.
    pub nll: f64,
    /// Confusion matrix.
    pub confusion: Confusion,
}

/// Returns logits `[N, 7]` for faces of one size.
///
/// # Errors
/// Returns an error of libtorch.
pub fn logits(
    network: &Network,
    weights: &Weights,
    faces: &[Face],
    device: Device,
) -> Result<Tensor, TchError> {
    if faces.is_empty() {
        return Tensor::f_zeros([0, Expression::COUNT as i64], (Kind::Float, Device::Cpu));
    }
    forward(network, weights, &to_images(faces)?, device)
}

/// Returns faces of one size, at least one, as images `[N, 1, S, S]` with gray values 0..255, uint8.
///
/// # Errors
/// Returns an error of libtorch.
pub(crate) fn to_images(faces: &[Face]) -> Result<Tensor, TchError> {
    let side = faces.first().map_or(0, |face| face.side() as i64);
    let pixels: Vec<u8> = faces
        .iter()
        .flat_map(|face| face.pixels())
        .copied()
        .collect();
    Tensor::from_slice(&pixels).f_view([-1, 1, side, side])
}

/// Returns logits `[N, 7]` on the CPU for images `[N, 1, S, S]` with gray values 0..255 of any number format.
///
/// # Errors
/// Returns an error of libtorch.
pub(crate) fn forward(
    network: &Network,
    weights: &Weights,
    images: &Tensor,
    device: Device,
) -> Result<Tensor, TchError> {
    let images = images.f_to_device(device)?.f_to_kind(Kind::Float)?;
    no_grad(|| network.forward(weights, &images, Mode::Eval))?.f_to_device(Device::Cpu)
}

/// Returns the logits and the label of each face of a set.
///
/// # Errors
/// Returns an error of libtorch.
pub fn labelled_logits(
    network: &Network,
    weights: &Weights,
    faces: &FaceSet,
    device: Device,
) -> Result<Vec<(Logits, Expression)>, TchError> {
    let mut rows = Vec::with_capacity(faces.len());
    for (faces, labels) in faces.faces.chunks(BATCH).zip(faces.labels.chunks(BATCH)) {
        let logits = logits(network, weights, faces, device)?;
        let values: Vec<f32> = Vec::try_from(&logits.f_flatten(0, -1)?)?;
        let (logits, _) = values.as_chunks::<{ Expression::COUNT }>();
        rows.extend(logits.iter().copied().zip(labels.iter().copied()));
    }
    Ok(rows)
}

/// Evaluates weights on a set of faces.
///
/// # Errors
/// Returns an error of libtorch.
pub fn with_libtorch(
    network: &Network,
    weights: &Weights,
    faces: &FaceSet,
    device: Device,
) -> Result<Score, TchError> {
    let rows = labelled_logits(network, weights, faces, device)?;
    let (mut confusion, mut nll) = (Confusion::default(), 0.0);
    for (logits, label) in &rows {
        let best = (0..Expression::COUNT)
            .rev()
            .max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
        let prediction = best
            .and_then(Expression::from_index)
            .expect("there are seven logits");
        confusion.add(*label, prediction);
        nll += temperature::nll(logits, *label);
    }
    let total = rows.len() as f64;
    Ok(Score {
        accuracy: confusion.correct() as f64 / total,
        nll: nll / total,
        confusion,
    })
}
