//! Runs network graphs on libtorch. Only this module, [`crate::train`], evaluation and the export's parity check use tch.

pub mod device;
pub mod masks;
pub mod network;
pub mod replicas;
pub mod weights;
