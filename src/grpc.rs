//! The gRPC door: the inference protocol v2 on a port of its own, with gRPC's standard health checks and reflection.
//! Only `startup` calls into it.

mod body_limit;
mod codec;
mod connections;
mod convert;
mod deadline;
mod frame;
mod health;
mod inference;
mod request_log;
mod server;

/// The messages and services of `proto/`, as they were generated.
#[expect(missing_docs, reason = "`proto/` describes them")]
pub mod proto {
    tonic::include_proto!("inference");

    /// The descriptors of all of them, for reflection.
    pub(super) const DESCRIPTORS: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/inference.bin"));
}

pub use self::{
    request_log::init_metrics,
    server::{Options, Server},
};
