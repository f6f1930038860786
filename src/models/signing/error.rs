//! Errors of signatures and public keys.

use std::{io, path::PathBuf};

use tokio_rustls::rustls::pki_types::pem;

use super::SIGNATURE_FILE;
use crate::{excerpt::Excerpt, inference::InferenceError};

/// Why the files of a version are not those that were signed. The texts do not contain paths outside of the version.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The version has no signature.
    #[error(
        "the version is not signed: {SIGNATURE_FILE} does not exist; run `model_signing sign key` in the directory of the version"
    )]
    Missing,
    /// The signature cannot be read.
    #[error("{SIGNATURE_FILE}: {0}; replace the file")]
    Unreadable(#[source] io::Error),
    /// The file is not a signature in a supported format.
    #[error(
        "{SIGNATURE_FILE} is not a signature in the format of OpenSSF Model Signing 1.0: {0}; run `model_signing sign key` in the directory of the version"
    )]
    Format(String),
    /// The signature was altered or was made with another key.
    #[error(
        "the signature in {SIGNATURE_FILE} does not match a key of --require-signature; restore the file, or sign the version with the private key of such a key"
    )]
    Mismatch,
    /// The signature does not cover a file.
    #[error(
        "`{}` is not covered by {SIGNATURE_FILE}; remove the file or sign the version again",
        Excerpt(.0)
    )]
    NotCovered(String),
    /// A signed file does not exist.
    #[error(
        "`{}` does not exist, but {SIGNATURE_FILE} covers it; restore the file or sign the version again",
        Excerpt(.0)
    )]
    FileMissing(String),
    /// A file differs from the signed one.
    #[error(
        "`{}` differs from the file that was signed; restore the file or sign the version again",
        Excerpt(.0)
    )]
    Altered(String),
    /// A file cannot be read.
    #[error("`{}`: {source}", Excerpt(name))]
    Read {
        /// Path of the file in the version.
        name: String,
        /// The reason.
        source: io::Error,
    },
    /// The verified copy cannot be written.
    #[error(
        "cannot write the verified copy of a model to the temporary directory: {0}; set TMPDIR to a writable directory with enough space"
    )]
    Copy(io::ErrorKind),
}

impl From<SignatureError> for InferenceError {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::Copy(_) => Self::Runtime(error.to_string()),
            SignatureError::Missing
            | SignatureError::Unreadable(_)
            | SignatureError::Format(_)
            | SignatureError::Mismatch
            | SignatureError::NotCovered(_)
            | SignatureError::FileMissing(_)
            | SignatureError::Altered(_)
            | SignatureError::Read { .. } => Self::Model(error.to_string()),
        }
    }
}

/// Why the file of `--require-signature` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PublicKeyError {
    /// The file cannot be read or is not PEM.
    #[error("cannot read the public keys in `{}` (--require-signature)", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: pem::Error,
    },
    /// The file does not contain a public key.
    #[error(
        "`{}` (--require-signature) does not contain a block BEGIN PUBLIC KEY; create one with `openssl ec -in KEY -pubout`",
        path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The type of a key is not supported.
    #[error(
        "public key {number} in `{}` (--require-signature) is not an ECDSA key on the curve P-256 or P-384; create one with `openssl ecparam -name prime256v1 -genkey`",
        path.display()
    )]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Position of the key in the file, from 1.
        number: usize,
    },
}
