//! Reads parts of a request: authorization, deadline, limits, versions.

mod admin;
mod deadline;
mod limit;
mod version;

pub use self::admin::Admin;
pub(super) use self::{
    deadline::request_times,
    limit::{ImageLimit, ListLimit},
    version::Version,
};
