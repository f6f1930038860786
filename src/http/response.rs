//! Builds responses: media type, content coding, report format, timing header.

pub(super) mod compression;
mod label;
pub(super) mod negotiation;
mod report_format;
mod server_timing;

pub(super) use self::label::{LabelOptions, LabelPrediction};
pub use self::report_format::ReportFormat;
pub(super) use self::server_timing::server_timing;
