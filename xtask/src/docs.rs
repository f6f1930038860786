//! `cargo xtask docs`: writes `docs/configuration.md` from the settings of the server.

use anyhow::Result;

use crate::generated::Generated;

const CONFIGURATION: Generated = Generated {
    path: "docs/configuration.md",
    command: "configuration",
    update: "docs",
};

/// Writes the reference of the settings, or checks that it is up to date.
///
/// # Errors
/// Returns the errors of [`Generated::run`].
pub(crate) fn run(check: bool) -> Result<()> {
    CONFIGURATION.run(check)
}
