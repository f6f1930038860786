//! The input and output that all networks of the catalogue share.

use mien_faces::expression::Expression;

use super::op::Op;

/// Side of the faces that every network of the catalogue takes, in pixels.
pub const INPUT_SIDE: usize = 48;

/// Length of the logits.
pub const CLASSES: usize = Expression::COUNT;

/// Mean and standard deviation of the FER2013 training faces, on `[0, 1]`.
pub const NORMALIZE: Op = Op::Normalize {
    mean: 0.5077,
    std: 0.2550,
};
