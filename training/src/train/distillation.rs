//! Knowledge distillation: soft targets from teacher networks, online for every augmented image or cached for every face.

pub mod cached;
pub mod online;
pub mod teacher;
