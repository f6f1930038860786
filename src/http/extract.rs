//! Reads parts of a request: authorization, deadline, versions.

mod admin;
pub(super) mod deadline;
mod version;

pub use self::admin::Admin;
pub(super) use self::version::Version;
