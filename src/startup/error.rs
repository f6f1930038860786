//! Why the server did not start.

use std::io;

use mien_faces::dataset::DatasetError;

use crate::{
    auth::keys::KeyFileError,
    inference::InferenceError,
    models::{RegistryError, signing::PublicKeyError},
    settings::{HostPort, SettingsError},
    store::StoreError,
    tls::TlsError,
    traces::TraceError,
};

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// The settings are inconsistent.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The address is not available.
    #[error("cannot listen on {addr}; choose another address with {flag}")]
    Listen {
        /// The address.
        addr: HostPort,
        /// The flag of the address.
        flag: &'static str,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A data set cannot be read.
    #[error(transparent)]
    Data(#[from] DatasetError),
    /// The state cannot be used.
    #[error(transparent)]
    State(#[from] StoreError),
    /// ONNX Runtime or the device cannot be used.
    #[error(transparent)]
    Runtime(#[from] InferenceError),
    /// The API keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The public keys of models cannot be used.
    #[error(transparent)]
    PublicKeys(#[from] PublicKeyError),
    /// The files of TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Traces cannot be exported.
    #[error(transparent)]
    Traces(#[from] TraceError),
    /// The face detector cannot be used.
    #[error("cannot use the face detector (--detector): {0}")]
    Detector(#[source] InferenceError),
    /// The models cannot be served.
    #[error(transparent)]
    Models(#[from] RegistryError),
    /// The thread that loads the models panicked.
    #[error("loading the models crashed; see the log")]
    LoadingCrashed,
    /// Threads or signal handlers cannot be created.
    #[error("cannot create the threads or signal handlers of the server")]
    Server(#[from] io::Error),
}
