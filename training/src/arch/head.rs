//! The end of every network: an average pool, a flattening and a dense layer to the classes.

use super::{
    catalog::CLASSES,
    graph::{Graph, GraphBuilder, NodeId},
    op::{FlattenOrder, Op, PoolScaling},
    shape::ShapeError,
};

/// Which part of the last map the head averages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Means of whole 4x4 windows from the top left on, as the Keras examples have it: four of six pixels a side
    /// of a DenseNet's map, 3x3 means of a ResNet's.
    Windows,
    /// One mean per channel over the whole map.
    Global,
}

/// The layers behind the last map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Head {
    /// Which part of the last map is averaged.
    pub pooling: Pooling,
    /// Rate of the dropout before the dense layer, in `[0, 1)` (Srivastava et al. 2014); 0 for none.
    pub dropout: f64,
}

impl Head {
    /// Ends a network whose last map, `x`, has `side` pixels a side.
    ///
    /// # Errors
    /// Returns an error if the map is smaller than the window, or if the parts do not fit together.
    pub fn finish(self, mut b: GraphBuilder, x: NodeId, side: usize) -> Result<Graph, ShapeError> {
        let kernel = match self.pooling {
            Pooling::Windows => 4,
            Pooling::Global => side,
        };
        let x = b.add("head.pool", Op::AvgPool { kernel, scaling: PoolScaling::WithMap }, &[x]);
        let order = FlattenOrder::HeightWidthChannel;
        let mut x = b.add("head.flatten", Op::Flatten { order }, &[x]);
        if self.dropout > 0.0 {
            x = b.add("head.dropout", Op::Dropout { rate: self.dropout }, &[x]);
        }
        b.add("head.dense", Op::Linear { outputs: CLASSES }, &[x]);
        b.finish()
    }
}
