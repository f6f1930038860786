//! Reads parts of a request: authorization, deadline, small JSON bodies, limits, versions.

mod admin;
mod deadline;
mod json;
mod limit;
mod version;

pub use self::admin::Admin;
pub(super) use self::{
    deadline::request_times,
    json::{JsonBody, OptionalJson},
    limit::{ImageLimit, ListLimit},
    version::Version,
};
