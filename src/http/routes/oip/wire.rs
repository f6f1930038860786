//! Inference requests and responses as JSON, with tensor data in the JSON or, with the binary extension, after it.

mod data;
mod fields;
mod parameters;
mod request;
mod response;
mod scalar;
mod shape;

pub(crate) use self::request::parse;
pub(super) use self::response::body;

/// The outputs whose data follow the JSON of the response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binary {
    /// For outputs that are not in the request.
    pub(super) default: bool,
    /// For the requested outputs in order.
    pub(super) outputs: Vec<bool>,
}
