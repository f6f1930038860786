//! Signatures of models in the format of OpenSSF Model Signing 1.0, as the program `model_signing sign key` writes them.
//!
//! The directory of a version contains `model.sig`: a Sigstore bundle with a DSSE envelope around an in-toto statement. The
//! statement lists the SHA-256 of each file of the directory.
//!
//! ```text
//! verifier    reads the public keys and the signature of a directory
//!   -> bundle      verifies the signature of the envelope
//!   -> statement   returns the files that the payload lists
//! copies      copies the files of a version and compares them with the list; sessions are opened from the copies
//! ```

mod bundle;
mod copies;
mod error;
pub(crate) mod fuzzing;
mod statement;
mod verifier;

/// Name of the signature in the directory of a version.
const SIGNATURE_FILE: &str = "model.sig";

pub use self::{
    error::{PublicKeyError, SignatureError},
    verifier::ModelVerifier,
};
