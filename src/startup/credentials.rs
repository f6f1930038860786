//! Opens the API keys, the files of TLS and the public keys of models.

use std::sync::Arc;

use super::{StartupError, reload::Reload};
use crate::{
    auth::keys::{ApiKeys, KeyFileError},
    file_watch::FileWatch,
    metrics::{Metrics, ReloadedFile},
    models::signing::ModelVerifier,
    settings::Settings,
    tls::{Tls, TlsError},
};

/// Reads the API keys, if there is a file, and adds their reload.
///
/// # Errors
/// Returns an error if the file cannot be read or is invalid.
pub(super) fn keys(
    settings: &Settings,
    metrics: &Metrics,
    reloads: &mut Vec<Reload>,
) -> Result<Option<Arc<ApiKeys>>, KeyFileError> {
    let Some(path) = &settings.keys.api_keys else {
        return Ok(None);
    };
    let watch = FileWatch::new(vec![path.clone()]);
    let keys = Arc::new(ApiKeys::open(path, metrics.keys.clone())?);
    metrics.reloads.init(ReloadedFile::ApiKeys);
    tracing::info!(path = %path.display(), keys = keys.count(), "API keys loaded");
    reloads.push(Reload::keys(Arc::clone(&keys), watch));
    Ok(Some(keys))
}

/// Reads the files of TLS, if TLS is enabled, and adds their reload.
///
/// # Errors
/// Returns an error if a file cannot be read or is invalid.
pub(super) fn tls(
    settings: &Settings,
    metrics: &Metrics,
    reloads: &mut Vec<Reload>,
) -> Result<Option<Arc<Tls>>, TlsError> {
    let Some(files) = settings.tls.files() else {
        return Ok(None);
    };
    let watch = FileWatch::new(files.paths());
    let tls = Arc::new(Tls::open(files)?);
    metrics.reloads.init(ReloadedFile::Tls);
    reloads.push(Reload::tls(Arc::clone(&tls), watch));
    Ok(Some(tls))
}

/// Returns the verifier of models if the settings require signatures.
pub(super) fn verifier(settings: &Settings) -> Result<Option<ModelVerifier>, StartupError> {
    let Some(path) = &settings.models.require_signature else {
        return Ok(None);
    };
    let verifier = ModelVerifier::open(path)?;
    tracing::info!(keys = verifier.key_count(), "models must be signed");
    Ok(Some(verifier))
}
