//! Graphs as libtorch networks: the only module, with [`crate::train`] and the exporter's parity check, that knows tch.

pub mod device;
pub mod masks;
pub mod network;
pub mod replicas;
pub mod weights;
