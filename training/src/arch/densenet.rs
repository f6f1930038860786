//! DenseNet-BC: Huang, Liu, van der Maaten, Weinberger, "Densely Connected Convolutional Networks" (2017), section 3,
//! in the form of the Keras example `densenet_cifar10`: convolutions with bias, the first one concatenated with its input,
//! transitions without ReLU, no BN-ReLU before the head.

use super::{
    builder::GraphBuilder,
    graph::{Graph, NodeId},
    head::Head,
    interface::{INPUT_SIDE, NORMALIZE},
    op::{Op, PoolScaling},
    shape::ShapeError,
};

/// Hyperparameters of a DenseNet-BC.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DenseNet {
    /// Number of bottlenecks per block.
    pub bottlenecks: usize,
    /// Number of channels that a bottleneck adds (growth rate).
    pub growth: usize,
    /// Number of dense blocks.
    pub blocks: usize,
    /// Compression: share of the channels after a transition, in tenths.
    pub tenths: usize,
    /// Rate of the dropout after each convolution of a bottleneck and of a transition, in `[0, 1)`; 0 for none.
    pub dropout: f64,
    /// The layers after the last block.
    pub head: Head,
}

impl DenseNet {
    /// Builds the network with this name.
    ///
    /// # Errors
    /// Returns an error if the last map is too small for the head because there are too many blocks.
    pub fn build(self, name: &str) -> Result<Graph, ShapeError> {
        let (mut b, image) = GraphBuilder::new(name, INPUT_SIDE);
        let input = b.add("normalize", NORMALIZE, &[image]);
        let mut filters = 2 * self.growth;
        let mut side = INPUT_SIDE;
        let x = b.batch_norm("stem.bn", input);
        let x = b.relu("stem.relu", x);
        let x = b.conv("stem.conv", filters, 3, 1, x);
        let mut x = b.add("stem.concat", Op::Concat, &[input, x]);
        for block in 0..self.blocks {
            for layer in 0..self.bottlenecks {
                x = self.bottleneck(&mut b, block, layer, x);
            }
            if block + 1 < self.blocks {
                // The example's counter does not include the concatenated input channel.
                filters = (filters + self.bottlenecks * self.growth) * self.tenths / 10;
                x = self.transition(&mut b, block, filters, x);
                side /= 2;
            }
        }
        self.head.finish(b, x, side)
    }

    fn bottleneck(self, b: &mut GraphBuilder, block: usize, layer: usize, x: NodeId) -> NodeId {
        let at = |part: &str| format!("block{}.layer{}.{part}", block + 1, layer + 1);
        let y = b.batch_norm(at("bn1"), x);
        let y = b.relu(at("relu1"), y);
        let y = b.conv(at("conv1"), 4 * self.growth, 1, 1, y);
        let y = self.dropout(b, at("dropout1"), y);
        let y = b.batch_norm(at("bn2"), y);
        let y = b.relu(at("relu2"), y);
        let y = b.conv(at("conv2"), self.growth, 3, 1, y);
        let y = self.dropout(b, at("dropout2"), y);
        b.add(at("concat"), Op::Concat, &[x, y])
    }

    fn transition(self, b: &mut GraphBuilder, block: usize, filters: usize, x: NodeId) -> NodeId {
        let at = |part: &str| format!("transition{}.{part}", block + 1);
        let y = b.batch_norm(at("bn"), x);
        let y = b.conv(at("conv"), filters, 1, 1, y);
        let y = self.dropout(b, at("dropout"), y);
        b.add(
            at("pool"),
            Op::AvgPool {
                kernel: 2,
                scaling: PoolScaling::Fixed,
            },
            &[y],
        )
    }

    fn dropout(self, b: &mut GraphBuilder, name: String, x: NodeId) -> NodeId {
        if self.dropout == 0.0 {
            return x;
        }
        b.add(name, Op::Dropout { rate: self.dropout }, &[x])
    }
}
