//! The closed set of operations that a network is made of.
//!
//! Every attribute whose default differs between frameworks is a mandatory field.

/// How a convolution or pooling window meets the border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// No padding: only whole windows count.
    Valid,
    /// Keras' and TensorFlow's "same": the output side is `ceil(input / stride)`, and where the padding is odd
    /// the extra row and column stand at the **bottom and right**.
    Same,
}

impl Padding {
    /// Zeros to put (before, after) an axis of `input` pixels under a window of `kernel` moving by `stride`.
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

    /// The output's side for an axis of `input` pixels; `None` where no whole window fits.
    pub fn output(self, input: usize, kernel: usize, stride: usize) -> Option<usize> {
        let (before, after) = self.amounts(input, kernel, stride);
        Some((input + before + after).checked_sub(kernel)? / stride + 1)
    }
}

/// In which order a map becomes a vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlattenOrder {
    /// Height, width, channel: Keras' order, in which the weights of the dense layer behind it are stored.
    HeightWidthChannel,
}

/// What happens to a pooling window when the network runs on faces of another side than its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolScaling {
    /// The window stays as it is (a transition between stages).
    Fixed,
    /// The window grows and shrinks with the map, so that the output keeps its size (the pool before the head).
    WithMap,
}

/// One operation. Maps are `[N, C, H, W]`, vectors `[N, K]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// The picture: gray values 0..255, one channel.
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
        /// Side of the window, in pixels.
        kernel: usize,
        /// Step of the window, in pixels.
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
    /// In training each value is zero with this chance and the others grow to keep the mean; otherwise nothing
    /// happens (Srivastava et al. 2014).
    Dropout {
        /// Share of the values that are dropped, in `[0, 1)`.
        rate: f64,
    },
    /// In training the whole map of an image is zero with this chance and the others grow to keep the mean; otherwise
    /// nothing happens (Huang et al. 2016, section 3).
    StochasticDepth {
        /// Share of the images whose map is dropped, in `[0, 1)`.
        rate: f64,
    },
    /// Average over a square window; the step is the window's side, padding never counts.
    AvgPool {
        /// Side of the window, in pixels, at the network's own input side.
        kernel: usize,
        /// What happens at other input sides.
        scaling: PoolScaling,
    },
    /// Sum of two maps of one shape.
    Add,
    /// Maps joined along their channels.
    Concat,
    /// A map as a vector.
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
    /// Whether the operation passes its operand on unchanged except in training.
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
    fn valid_padding_drops_what_does_not_fill_a_window() {
        assert_eq!(Padding::Valid.output(6, 4, 4), Some(1));
        assert_eq!(Padding::Valid.output(3, 4, 4), None);
    }
}
