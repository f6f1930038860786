//! What ends every network: an average pool, a flattening and a dense layer to the classes.

use super::{
    catalog::CLASSES,
    graph::{Graph, GraphBuilder, NodeId},
    op::{FlattenOrder, Op, PoolScaling},
    shape::ShapeError,
};

/// What the head sees of the last map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Means of whole 4x4 windows from the top left on, as the Keras examples have it: four of six pixels a side
    /// of a DenseNet's map, 3x3 means of a ResNet's.
    Windows,
    /// One mean a channel over the whole map.
    Global,
}

/// Ends a network whose last map, `x`, has `side` pixels a side.
///
/// # Errors
/// Where the map is smaller than the window, or the parts do not fit together.
pub fn finish(
    mut b: GraphBuilder,
    x: NodeId,
    pooling: Pooling,
    side: usize,
) -> Result<Graph, ShapeError> {
    let kernel = match pooling {
        Pooling::Windows => 4,
        Pooling::Global => side,
    };
    let x = b.add("head.pool", Op::AvgPool { kernel, scaling: PoolScaling::WithMap }, &[x]);
    let x = b.add("head.flatten", Op::Flatten { order: FlattenOrder::HeightWidthChannel }, &[x]);
    b.add("head.dense", Op::Linear { outputs: CLASSES }, &[x]);
    b.finish()
}
