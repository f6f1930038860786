//! Builds responses: media type, content coding, report format, timing header.

pub(super) mod compression;
pub(super) mod negotiation;
mod report_format;
mod server_timing;

pub use self::report_format::ReportFormat;
pub(super) use self::server_timing::server_timing;
