//! Settings of shadows.

use clap::Args;

use super::parse;
use crate::shadow::ShadowSpec;

/// Settings of shadows.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Shadow")]
pub struct ShadowSettings {
    /// Compare a candidate with the serving version NAME@VERSION on a share of the images of clients, as
    /// POST /v1/models/NAME/shadow does. CANDIDATE is another version of the model, or NAME@VERSION of a model with the same labels and
    /// input size. The shadow starts when the models are loaded. If the shadow cannot start, the server logs an error and serves
    /// without the shadow. Repeatable, once per model; in the variable, entries are separated by commas.
    #[arg(
        long,
        env = "MIEN_SHADOW",
        value_name = "NAME@VERSION=CANDIDATE",
        value_delimiter = ','
    )]
    pub shadow: Vec<ShadowSpec>,

    /// Share of the images that a shadow copies, greater than 0 and at most 1. A request can set another share.
    #[arg(
        long,
        env = "MIEN_SHADOW_SHARE",
        value_name = "SHARE",
        default_value = "0.1",
        value_parser = parse::positive_share
    )]
    pub shadow_share: f64,
}
