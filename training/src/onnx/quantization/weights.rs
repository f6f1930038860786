//! Quantises the weights and the bias of a convolution.

/// Largest absolute value of a stored weight: 7 bits instead of 8.
///
/// On x86-64 processors with AVX2 or AVX-512 but without VNNI, ONNX Runtime multiplies uint8 activations by int8 weights with
/// `VPMADDUBSW`, which adds two products in 16 bits with saturation (documentation, "Quantize ONNX models", section "When to
/// use reduce-range and per-channel quantization"). With this limit the sum is at most 2 * 255 * 64 = 32,640, so it does not
/// saturate. The outputs of a file are therefore the same with and without VNNI.
pub(super) const MAX_WEIGHT: i8 = 64;

/// Largest absolute value of a stored bias. The products of a convolution fit into the other half of the int32 accumulator.
const MAX_BIAS: f64 = (1 << 30) as f64;

/// The weights and the bias of a convolution with one scale per output channel (Wu et al. 2020, section 3.2).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ChannelWeights {
    /// Weights in the layout of the float weights. The zero point is 0.
    pub(super) weights: Vec<i8>,
    /// Bias in units of `input_scale * scale`, so that it can be added to the accumulator (Jacob et al. 2018, section 2.4).
    pub(super) bias: Option<Vec<i32>>,
    /// Scale of each output channel.
    pub(super) scales: Vec<f32>,
    /// Scale of each channel's bias.
    pub(super) bias_scales: Vec<f32>,
}

/// Quantises weights whose first axis is that of the output channels. `input_scale` is the scale of the convolution's
/// input. Values are rounded half to even.
///
/// The scale of a channel is its largest absolute weight divided by [`MAX_WEIGHT`], or larger if the bias would not fit.
pub(super) fn quantize(
    weights: &[f32],
    bias: Option<&[f32]>,
    channels: usize,
    input_scale: f32,
) -> ChannelWeights {
    let window = (weights.len() / channels.max(1)).max(1);
    let mut found = ChannelWeights {
        weights: Vec::with_capacity(weights.len()),
        bias: bias.map(|bias| Vec::with_capacity(bias.len())),
        scales: Vec::with_capacity(channels),
        bias_scales: Vec::with_capacity(channels),
    };
    for (channel, filter) in weights.chunks(window).enumerate() {
        let bias = bias.map(|bias| f64::from(bias[channel]));
        let scale = scale(filter, bias, input_scale);
        let limit = f64::from(MAX_WEIGHT);
        let stored = |&weight: &f32| {
            let steps = (f64::from(weight) / f64::from(scale)).round_ties_even();
            steps.clamp(-limit, limit) as i8
        };
        found.weights.extend(filter.iter().map(stored));
        // ONNX Runtime multiplies the scales in float32.
        let bias_scale = input_scale * scale;
        if let (Some(all), Some(bias)) = (&mut found.bias, bias) {
            all.push((bias / f64::from(bias_scale)).round_ties_even() as i32);
        }
        found.scales.push(scale);
        found.bias_scales.push(bias_scale);
    }
    found
}

fn scale(filter: &[f32], bias: Option<f64>, input_scale: f32) -> f32 {
    let largest = filter.iter().fold(0.0_f32, |max, w| max.max(w.abs()));
    let of_weights = f64::from(largest) / f64::from(MAX_WEIGHT);
    let of_bias = bias.unwrap_or_default().abs() / (f64::from(input_scale) * MAX_BIAS);
    let scale = of_weights.max(of_bias) as f32;
    // The product with the input's scale must not be subnormal.
    if (scale * input_scale).is_normal() {
        scale
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_has_its_own_scale() {
        let found = quantize(&[64.0, -32.0, 0.64, 0.005], None, 2, 0.5);
        assert_eq!(found.scales[0], 1.0);
        assert!((found.scales[1] - 0.01).abs() < 1e-9);
        assert_eq!(found.weights, [64, -32, 64, 0]);
        assert_eq!(found.bias, None);
    }

    #[test]
    fn weights_are_rounded_half_to_even() {
        let found = quantize(&[64.0, 0.5, 1.5, 2.5, -0.5, -1.5], None, 1, 1.0);
        assert_eq!(found.weights, [64, 0, 2, 2, 0, -2]);
    }

    #[test]
    fn two_products_fit_into_sixteen_bits() {
        let extremes = [3.0, -3.0, 2.999];
        let found = quantize(&extremes, None, 1, 1.0);
        let sum: i32 = found.weights[..1]
            .iter()
            .map(|&w| 2 * 255 * i32::from(w))
            .sum();
        assert!(sum <= i32::from(i16::MAX), "{sum}");
    }

    #[test]
    fn bias_has_scale_of_accumulator() {
        let found = quantize(&[32.0, 128.0], Some(&[3.0, -1.25]), 2, 0.25);
        assert_eq!(found.scales, [0.5, 2.0]);
        assert_eq!(found.bias_scales, [0.125, 0.5]);
        assert_eq!(found.bias, Some(vec![24, -2]));
    }

    #[test]
    fn bias_of_tiny_weights_does_not_overflow() {
        let found = quantize(&[1e-12, 0.0], Some(&[5.0, -5.0]), 2, 0.01);
        let bias = found.bias.unwrap();
        for (stored, scale) in bias.iter().zip(&found.bias_scales) {
            let restored = f64::from(*stored) * f64::from(*scale);
            assert!((restored.abs() - 5.0).abs() < 1e-3, "{restored}");
            assert!(f64::from(*stored).abs() <= MAX_BIAS * 1.001, "{stored}");
        }
        let zero = quantize(&[0.0], Some(&[0.0]), 1, 0.01);
        assert_eq!(
            (zero.weights, zero.bias, zero.scales),
            (vec![0], Some(vec![0]), vec![1.0])
        );
    }
}
