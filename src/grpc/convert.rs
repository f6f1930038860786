//! Converts between gRPC messages and the types of the protocol.

mod config;
mod metadata;
mod request;
mod response;
mod statistics;
mod status;

pub(crate) use self::request::request;
