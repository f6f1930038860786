//! Operations of networks that need more than one call of libtorch.

use tch::{TchError, Tensor};

use super::{Mode, Statistics};
use crate::arch::{op::Padding, parameter::Role};

/// Gives a one-channel map the strides of a channels-last map. Other maps stay unchanged.
///
/// The memory of a one-channel map is the same in both layouts, but libtorch derives the layout of later maps from its
/// strides. Without this, the residual stream of a whole stack and every concatenation of a DenseNet would be
/// channels-first, and each convolution would copy it. Any operation on a one-channel map can lose the strides, so this
/// runs after every node.
pub(super) fn channels_last_gray(x: Tensor) -> Result<Tensor, TchError> {
    let [n, 1, height, width] = x.size()[..] else {
        return Ok(x);
    };
    x.f_contiguous()?
        .f_view([n, height, width, 1])?
        .f_permute([0, 3, 1, 2])
}

/// Normalises with the statistics that the mode requires. `at` returns the node's parameters.
pub(super) fn batch_norm<'a>(
    x: &Tensor,
    at: impl Fn(Role) -> &'a Tensor,
    mode: Mode,
    (epsilon, momentum): (f64, f64),
) -> Result<Tensor, TchError> {
    let is_frozen = matches!(
        mode,
        Mode::Train {
            statistics: Statistics::Freeze,
            ..
        }
    );
    let running = |role| (!is_frozen).then(|| at(role));
    x.f_batch_norm(
        Some(at(Role::Gamma)),
        Some(at(Role::Beta)),
        running(Role::Mean),
        running(Role::Variance),
        mode != Mode::Eval,
        if let Mode::Measure { share } = mode {
            share
        } else {
            momentum
        },
        epsilon,
        true,
    )
}

/// Convolves with the padding of the node.
pub(super) fn conv(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    (kernel, stride, padding): (usize, usize, Padding),
) -> Result<Tensor, TchError> {
    let kind = x.kind();
    let weight = weight.f_to_kind(kind)?;
    let bias = bias.map(|b| b.f_to_kind(kind)).transpose()?;
    let (before, after) = padding.amounts(x.size()[2] as usize, kernel, stride);
    let (before, after, stride) = (before as i64, after as i64, stride as i64);
    if before == after {
        return x.f_conv2d(&weight, bias.as_ref(), stride, before, 1, 1);
    }
    // libtorch only pads both sides equally, so the asymmetric padding is a separate operation.
    let padded = x.f_constant_pad_nd([before, after, before, after])?;
    padded.f_conv2d(&weight, bias.as_ref(), stride, 0, 1, 1)
}
