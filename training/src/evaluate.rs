//! Judges weights on faces with libtorch.

use mien_faces::{emotion::Emotion, image::Face};
use tch::{Device, Kind, TchError, Tensor, no_grad};

use crate::{
    data::FaceSet,
    torch::{
        network::{Mode, Network},
        weights::Weights,
    },
};

/// Faces a pass.
const BATCH: usize = 128;

/// How well weights do on a set of faces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Share of right answers, 0..1.
    pub accuracy: f64,
    /// Mean negative log-likelihood of the right class.
    pub nll: f64,
}

/// Logits `[count, 7]` of faces of one side.
///
/// # Errors
/// What libtorch refuses.
pub fn logits(
    network: &Network,
    weights: &Weights,
    faces: &[Face],
    device: Device,
) -> Result<Tensor, TchError> {
    let Some(side) = faces.first().map(|f| f.side() as i64) else {
        return Tensor::f_zeros([0, Emotion::COUNT as i64], (Kind::Float, Device::Cpu));
    };
    let pixels: Vec<u8> = faces.iter().flat_map(|face| face.pixels()).copied().collect();
    let pictures = Tensor::from_slice(&pixels)
        .view([-1, 1, side, side])
        .f_to_device(device)?
        .f_to_kind(Kind::Float)?;
    no_grad(|| network.forward(weights, &pictures, Mode::Eval))?.f_to_device(Device::Cpu)
}

/// Accuracy and likelihood on a set of faces.
///
/// # Errors
/// What libtorch refuses.
pub fn with_libtorch(
    network: &Network,
    weights: &Weights,
    faces: &FaceSet,
    device: Device,
) -> Result<Score, TchError> {
    let (mut correct, mut nll) = (0, 0.0);
    for (faces, labels) in faces.faces.chunks(BATCH).zip(faces.labels.chunks(BATCH)) {
        let labels: Vec<i64> = labels.iter().map(|l| l.index() as i64).collect();
        let labels = Tensor::from_slice(&labels);
        let logits = logits(network, weights, faces, device)?;
        correct += logits
            .f_argmax(-1, false)?
            .f_eq_tensor(&labels)?
            .f_sum(Kind::Int64)?
            .f_int64_value(&[])?;
        let loss =
            logits.f_cross_entropy_loss::<Tensor>(&labels, None, tch::Reduction::Sum, -100, 0.0)?;
        nll += loss.f_double_value(&[])?;
    }
    let total = faces.len() as f64;
    Ok(Score { accuracy: correct as f64 / total, nll: nll / total })
}
