//! The head of every network: average pool, flatten and a dense layer.

use super::{
    builder::GraphBuilder,
    graph::{Graph, NodeId},
    interface::CLASSES,
    op::{FlattenOrder, Op, PoolScaling},
    shape::ShapeError,
};

/// Pooling of the last map in the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Means of complete 4x4 windows from the top left, as in the Keras examples. A DenseNet's map of 6x6 px gives one mean
    /// of its first 4x4 px, a ResNet's map of 12x12 px gives 3x3 means.
    Windows,
    /// One mean per channel over the whole map.
    Global,
}

/// The layers after the last map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Head {
    /// Pooling of the last map.
    pub pooling: Pooling,
    /// Rate of the dropout before the dense layer, in `[0, 1)` (Srivastava et al. 2014); 0 for none.
    pub dropout: f64,
}

impl Head {
    /// Appends the head to the last map, `x`, of `side` x `side` px, and returns the network.
    ///
    /// # Errors
    /// Returns an error if the map is smaller than the window, or if the shapes are inconsistent.
    pub fn finish(self, mut b: GraphBuilder, x: NodeId, side: usize) -> Result<Graph, ShapeError> {
        let kernel = match self.pooling {
            Pooling::Windows => 4,
            Pooling::Global => side,
        };
        let x = b.add(
            "head.pool",
            Op::AvgPool {
                kernel,
                scaling: PoolScaling::WithMap,
            },
            &[x],
        );
        let order = FlattenOrder::HeightWidthChannel;
        let mut x = b.add("head.flatten", Op::Flatten { order }, &[x]);
        if self.dropout > 0.0 {
            x = b.add("head.dropout", Op::Dropout { rate: self.dropout }, &[x]);
        }
        b.add("head.dense", Op::Linear { outputs: CLASSES }, &[x]);
        b.finish()
    }
}
