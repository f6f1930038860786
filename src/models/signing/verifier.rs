//! The public keys of `--require-signature`.

use std::{io, path::Path};

use tokio_rustls::rustls::pki_types::{
    SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer,
    pem::{self, PemObject},
};
use webpki::{Error, RawPublicKeyEntity, ring};

use super::{
    PublicKeyError, SIGNATURE_FILE, SignatureError,
    bundle::verified_payload,
    statement::{SignedFiles, signed_files},
};
use crate::models::regular_file;

/// Maximum size of a signature in bytes. A model with 10,000 external files has a signature of about 3 MB.
const MAX_SIGNATURE_SIZE: u64 = 16 << 20;

/// The signature algorithms of OpenSSF Model Signing for elliptic curves, without P-521.
const ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 2] =
    [ring::ECDSA_P256_SHA256, ring::ECDSA_P384_SHA384];

/// Verifies the signatures of models with one of several public keys.
pub struct ModelVerifier {
    keys: Vec<SubjectPublicKeyInfoDer<'static>>,
}

impl ModelVerifier {
    /// Reads public keys in PEM format.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, does not contain a public key, or contains a key of another type.
    pub fn open(path: &Path) -> Result<Self, PublicKeyError> {
        let read = |source: pem::Error| PublicKeyError::Read {
            path: path.to_owned(),
            source,
        };
        let keys = SubjectPublicKeyInfoDer::pem_file_iter(path).map_err(read)?;
        let keys = keys.collect::<Result<Vec<_>, _>>().map_err(read)?;
        if keys.is_empty() {
            return Err(PublicKeyError::Empty {
                path: path.to_owned(),
            });
        }
        if let Some(index) = keys.iter().position(|key| !is_supported(key)) {
            return Err(PublicKeyError::Unsupported {
                path: path.to_owned(),
                number: index + 1,
            });
        }
        Ok(Self { keys })
    }

    /// Returns the number of keys, at least 1.
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// Verifies the signature in the directory of a version and returns the files that it covers.
    ///
    /// # Errors
    /// Returns an error if the signature is missing or invalid, or was not made with one of the keys.
    pub(super) fn signed_files(&self, directory: &Path) -> Result<SignedFiles, SignatureError> {
        let path = directory.join(SIGNATURE_FILE);
        let text = regular_file::read_to_string(&path, MAX_SIGNATURE_SIZE);
        let text = text.map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                SignatureError::Missing
            } else {
                SignatureError::Unreadable(error)
            }
        })?;
        self.signed_files_of(&text)
    }

    fn signed_files_of(&self, bundle: &str) -> Result<SignedFiles, SignatureError> {
        let payload = verified_payload(bundle, |message, signature| {
            self.keys
                .iter()
                .any(|key| verifies(key, message, signature))
        })?;
        signed_files(&payload)
    }
}

/// Returns whether a key has one of the [`ALGORITHMS`]. Another key rejects the algorithms before it looks at the signature.
fn is_supported(key: &SubjectPublicKeyInfoDer<'_>) -> bool {
    let Ok(entity) = RawPublicKeyEntity::try_from(key) else {
        return false;
    };
    ALGORITHMS.into_iter().any(|algorithm| {
        entity.verify_signature(algorithm, &[], &[]) == Err(Error::InvalidSignatureForPublicKey)
    })
}

fn verifies(key: &SubjectPublicKeyInfoDer<'_>, message: &[u8], signature: &[u8]) -> bool {
    let Ok(entity) = RawPublicKeyEntity::try_from(key) else {
        return false;
    };
    ALGORITHMS.into_iter().any(|algorithm| {
        entity
            .verify_signature(algorithm, message, signature)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/signed")
            .join(name)
    }

    fn verifier(key: &str) -> ModelVerifier {
        ModelVerifier::open(&fixture(key)).unwrap()
    }

    fn signature(name: &str) -> String {
        std::fs::read_to_string(fixture(name)).unwrap()
    }

    #[test]
    fn signatures_of_both_curves_are_verified() {
        for (key, name) in [
            ("p256.pub", "keras.sig"),
            ("p384.pub", "keras-p384.sig"),
            ("both.pub", "keras.sig"),
            ("both.pub", "keras-p384.sig"),
        ] {
            let files = verifier(key).signed_files_of(&signature(name)).unwrap();
            let names: Vec<&str> = files.names().collect();
            assert_eq!(names, ["mien.toml", "model.onnx"], "{key} {name}");
        }
        let other = verifier("p384.pub").signed_files_of(&signature("keras.sig"));
        assert!(matches!(other, Err(SignatureError::Mismatch)), "{other:?}");
    }

    #[test]
    fn changed_byte_of_signature_never_changes_signed_files() {
        let (verifier, text) = (verifier("p256.pub"), signature("keras.sig"));
        let expected = verifier.signed_files_of(&text).unwrap();
        let mut rejected = 0;
        for index in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[index] ^= 1;
            let changed = String::from_utf8(bytes).unwrap();
            match verifier.signed_files_of(&changed) {
                Ok(files) => assert_eq!(files, expected, "byte {index}"),
                Err(_) => rejected += 1,
            }
        }
        // The other bytes are in fields that are not part of the signed message, such as the hint of the key.
        assert!(
            rejected > text.len() * 3 / 4,
            "{rejected} of {}",
            text.len()
        );
    }

    #[test]
    fn key_files_without_supported_key_are_rejected() {
        let directory = tempfile::tempdir().unwrap();
        let error = |text: &str| {
            let path = directory.path().join("key");
            std::fs::write(&path, text).unwrap();
            let error = ModelVerifier::open(&path).err().unwrap();
            error.to_string()
        };
        assert!(error("").contains("does not contain a block BEGIN PUBLIC KEY"));
        let ed25519 = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
        assert!(error(ed25519).contains("public key 1"));
        let both = [signature("p256.pub"), ed25519.to_owned()].concat();
        assert!(error(&both).contains("public key 2"));
        let missing = ModelVerifier::open(&directory.path().join("none"));
        let missing = missing.err().unwrap().to_string();
        assert!(missing.contains("--require-signature"), "{missing}");
    }
}
