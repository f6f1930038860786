//! Reads parts of a request: authorization, deadline, versions.

mod admin;
mod deadline;
mod version;

pub use self::admin::Admin;
pub(super) use self::{deadline::request_times, version::Version};
