//! Signatures of models.

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Seeds, files};

/// The signatures of the tests.
pub(super) fn bundles() -> Result<Seeds> {
    files("tests/fixtures/signed", &["sig"])
}

/// The lists of files that these signatures contain.
pub(super) fn statements() -> Result<Seeds> {
    let bundles = bundles()?.into_iter();
    bundles
        .map(|(name, bundle)| {
            let bundle: serde_json::Value = serde_json::from_slice(&bundle)?;
            let payload = bundle["dsseEnvelope"]["payload"].as_str();
            let payload = payload.with_context(|| format!("{name} has no payload"))?;
            Ok((name, STANDARD.decode(payload)?))
        })
        .collect()
}
