//! `cargo xtask openapi`: writes `openapi/openapi.json` from the routes of the server.

use anyhow::Result;

use crate::generated::Generated;

const OPENAPI: Generated = Generated {
    path: "openapi/openapi.json",
    command: "openapi",
    update: "openapi",
};

/// Writes the OpenAPI document, or checks that it is up to date.
///
/// # Errors
/// Returns the errors of [`Generated::run`].
pub(crate) fn run(check: bool) -> Result<()> {
    OPENAPI.run(check)
}
