//! ResNets for small images, in the form of the Keras example `cifar10_resnet`: convolutions with bias, and 1x1 shortcuts
//! without batch norm. v1: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition" (2015), section 4.2. v2: He,
//! Zhang, Ren, Sun, "Identity Mappings in Deep Residual Networks" (2016).

use super::{
    builder::GraphBuilder,
    graph::{Graph, NodeId},
    head::Head,
    interface::{INPUT_SIDE, NORMALIZE},
    op::Op,
    shape::ShapeError,
};

/// Filters of the three stacks.
const STACKS: [usize; 3] = [16, 32, 64];

/// Height and width of the last map, px. The second and third stack halve the map.
const MAP: usize = INPUT_SIDE / 4;

/// Builds a ResNet v1 of depth 6n + 2.
///
/// # Errors
/// Returns an error of the builder's shape check, which succeeds for n >= 1.
pub fn v1(name: &str, n: usize, head: Head) -> Result<Graph, ShapeError> {
    let (mut b, image) = GraphBuilder::new(name, INPUT_SIDE);
    let x = b.add("normalize", NORMALIZE, &[image]);
    let x = b.conv("stem.conv", STACKS[0], 3, 1, x);
    let x = b.batch_norm("stem.bn", x);
    let mut x = b.relu("stem.relu", x);
    for (stack, filters) in STACKS.into_iter().enumerate() {
        for block in 0..n {
            x = v1_block(&mut b, stack, block, filters, x);
        }
    }
    head.finish(b, x, MAP)
}

fn v1_block(b: &mut GraphBuilder, stack: usize, block: usize, filters: usize, x: NodeId) -> NodeId {
    let at = |part: &str| format!("stack{}.block{}.{part}", stack + 1, block + 1);
    let shrinks = stack > 0 && block == 0;
    let stride = if shrinks { 2 } else { 1 };
    let y = b.conv(at("conv1"), filters, 3, stride, x);
    let y = b.batch_norm(at("bn1"), y);
    let y = b.relu(at("relu1"), y);
    let y = b.conv(at("conv2"), filters, 3, 1, y);
    let y = b.batch_norm(at("bn2"), y);
    let shortcut = if shrinks {
        b.conv(at("shortcut"), filters, 1, stride, x)
    } else {
        x
    };
    let sum = b.add(at("add"), Op::Add, &[shortcut, y]);
    b.relu(at("relu2"), sum)
}

/// Builds a ResNet v2 of depth 9n + 2 from pre-activation bottlenecks.
///
/// # Errors
/// Returns an error of the builder's shape check, which succeeds for n >= 1.
pub fn v2(name: &str, n: usize, head: Head) -> Result<Graph, ShapeError> {
    let (mut b, image) = GraphBuilder::new(name, INPUT_SIDE);
    let x = b.add("normalize", NORMALIZE, &[image]);
    let x = b.conv("stem.conv", STACKS[0], 3, 1, x);
    let x = b.batch_norm("stem.bn", x);
    let mut x = b.relu("stem.relu", x);
    let mut inner = STACKS[0];
    for stack in 0..STACKS.len() {
        let outer = if stack == 0 { 4 * inner } else { 2 * inner };
        for block in 0..n {
            x = v2_block(&mut b, (stack, block), inner, outer, x);
        }
        inner = outer;
    }
    let x = b.batch_norm("head.bn", x);
    let x = b.relu("head.relu", x);
    head.finish(b, x, MAP)
}

fn v2_block(
    b: &mut GraphBuilder,
    (stack, block): (usize, usize),
    inner: usize,
    outer: usize,
    x: NodeId,
) -> NodeId {
    let at = |part: &str| format!("stack{}.block{}.{part}", stack + 1, block + 1);
    let stride = if stack > 0 && block == 0 { 2 } else { 1 };
    // The stem ends with BN-ReLU, so the first block does not repeat it.
    let mut y = x;
    if (stack, block) != (0, 0) {
        y = b.batch_norm(at("bn1"), y);
        y = b.relu(at("relu1"), y);
    }
    let y = b.conv(at("conv1"), inner, 1, stride, y);
    let y = b.batch_norm(at("bn2"), y);
    let y = b.relu(at("relu2"), y);
    let y = b.conv(at("conv2"), inner, 3, 1, y);
    let y = b.batch_norm(at("bn3"), y);
    let y = b.relu(at("relu3"), y);
    let y = b.conv(at("conv3"), outer, 1, 1, y);
    let shortcut = if block == 0 {
        b.conv(at("shortcut"), outer, 1, stride, x)
    } else {
        x
    };
    b.add(at("add"), Op::Add, &[shortcut, y])
}
