//! The gRPC transport: the Open Inference Protocol v2 on a port of its own, with the standard health checks and reflection.
//! Only `startup` calls into it.

mod authorization;
pub(crate) mod body_limit;
mod calls;
mod connections;
pub(crate) mod convert;
mod deadline;
mod health;
mod inference;
pub(crate) mod message_memory;
mod request_log;
mod server;
mod server_span;
mod shutdown;

/// The generated messages and services of `proto/`.
#[expect(missing_docs, reason = "`proto/` describes them")]
pub mod proto {
    tonic::include_proto!("inference");

    /// Descriptors of the messages and services, for reflection.
    pub(super) const DESCRIPTORS: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/inference.bin"));
}

pub use self::{
    request_log::init_metrics,
    server::{Options, Server},
};
