//! The operations of networks.
//!
//! Every attribute whose default differs between frameworks is a mandatory field.

/// Padding of a convolution or pooling window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// No padding: only complete windows have an output.
    Valid,
    /// Keras' and TensorFlow's "same": the output size is `ceil(input / stride)`. If the padding is odd, the additional row
    /// and column are at the **bottom and right**.
    Same,
}

impl Padding {
    /// Returns the number of zeros (before, after) an axis of `input` px for a window of `kernel` px and a `stride` in px.
    ///
    /// Source: TensorFlow, "Convolution: padding schemes".
    pub fn amounts(self, input: usize, kernel: usize, stride: usize) -> (usize, usize) {
        match self {
            Self::Valid => (0, 0),
            Self::Same => {
                let output = input.div_ceil(stride);
                let total = ((output - 1) * stride + kernel).saturating_sub(input);
                (total / 2, total - total / 2)
            }
        }
    }

    /// Returns the output size for an axis of `input` px, or `None` if the window is larger than the padded axis.
    pub fn output(self, input: usize, kernel: usize, stride: usize) -> Option<usize> {
        let (before, after) = self.amounts(input, kernel, stride);
        Some((input + before + after).checked_sub(kernel)? / stride + 1)
    }
}

/// Order of values when a map is flattened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlattenOrder {
    /// Height, width, channel: Keras' order, which the weights of the following dense layer use.
    HeightWidthChannel,
}

/// Scaling of a pooling window when the network runs on images of another size than its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolScaling {
    /// The window has a fixed size (pools between stages).
    Fixed,
    /// The window scales with the map, so that the output size is constant (the pool of the head).
    WithMap,
}

/// One operation. Maps are `[N, C, H, W]`, vectors `[N, K]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// The image: gray values 0..255, one channel.
    Input,
    /// `(x / 255 - mean) / std`.
    Normalize {
        /// Mean of the training faces, on `[0, 1]`.
        mean: f32,
        /// Standard deviation of the training faces, on `[0, 1]`.
        std: f32,
    },
    /// A square 2-D convolution.
    Conv {
        /// Output channels.
        filters: usize,
        /// Height and width of the window, px.
        kernel: usize,
        /// Step of the window, px.
        stride: usize,
        /// Border handling.
        padding: Padding,
        /// Whether a bias is added.
        bias: bool,
    },
    /// Batch normalisation over N, H, W (Ioffe and Szegedy 2015).
    BatchNorm {
        /// Added to the variance.
        epsilon: f64,
        /// Share of the new batch in the running statistics (Keras' 0.99 is 0.01 here).
        momentum: f64,
    },
    /// `max(x, 0)`.
    Relu,
    /// Dropout (Srivastava et al. 2014). In training each value is set to zero with the probability `rate`, and the others
    /// are scaled to preserve the mean. In inference the identity.
    Dropout {
        /// Probability of dropping a value, in `[0, 1)`.
        rate: f64,
    },
    /// Stochastic depth (Huang et al. 2016, section 3). In training the whole map of an image is set to zero with the
    /// probability `rate`, and the others are scaled to preserve the mean. In inference the identity.
    StochasticDepth {
        /// Probability of dropping the map of an image, in `[0, 1)`.
        rate: f64,
    },
    /// Average over a square window without padding. The stride is the size of the window.
    AvgPool {
        /// Height and width of the window at the network's own input size, px.
        kernel: usize,
        /// Scaling of the window at other input sizes.
        scaling: PoolScaling,
    },
    /// Sum of two maps of equal shapes.
    Add,
    /// Concatenation of maps along their channels.
    Concat,
    /// Flattens a map to a vector.
    Flatten {
        /// Order of the values.
        order: FlattenOrder,
    },
    /// A dense layer with bias.
    Linear {
        /// Length of the output vector.
        outputs: usize,
    },
}

impl Op {
    /// Returns whether the operation is the identity in inference.
    pub fn acts_in_training_only(&self) -> bool {
        match self {
            Self::Dropout { .. } | Self::StochasticDepth { .. } => true,
            Self::Input
            | Self::Normalize { .. }
            | Self::Conv { .. }
            | Self::BatchNorm { .. }
            | Self::Relu
            | Self::AvgPool { .. }
            | Self::Add
            | Self::Concat
            | Self::Flatten { .. }
            | Self::Linear { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_with_stride_two_is_bottom_right() {
        assert_eq!(Padding::Same.amounts(48, 3, 2), (0, 1));
        assert_eq!(Padding::Same.amounts(48, 3, 1), (1, 1));
        assert_eq!(Padding::Same.amounts(48, 1, 2), (0, 0));
        assert_eq!(Padding::Same.amounts(9, 3, 2), (1, 1));
        assert_eq!(Padding::Same.output(9, 3, 2), Some(5));
    }

    #[test]
    fn valid_padding_drops_incomplete_windows() {
        assert_eq!(Padding::Valid.output(6, 4, 4), Some(1));
        assert_eq!(Padding::Valid.output(3, 4, 4), None);
    }
}
