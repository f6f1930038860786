//! In-toto statements with the predicate of OpenSSF Model Signing 1.0.

use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::SignatureError;

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE: &str = "https://model_signing/signature/v1.0";
/// Algorithm of the digests. The format has others, which `model_signing sign` does not use by default.
const ALGORITHM: &str = "sha256";

/// An SHA-256 digest.
type Sha256Digest = [u8; 32];

/// The files that a signature covers: path relative to the signed directory, and SHA-256 of the content.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SignedFiles(BTreeMap<String, Sha256Digest>);

impl SignedFiles {
    /// Returns the SHA-256 of a file.
    pub(super) fn digest(&self, path: &str) -> Option<&Sha256Digest> {
        self.0.get(path)
    }

    #[cfg(test)]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "_type")]
    statement_type: String,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    subject: Vec<Subject>,
    predicate: serde_json::Value,
}

#[derive(Deserialize)]
struct Subject {
    digest: SubjectDigest,
}

#[derive(Deserialize)]
struct SubjectDigest {
    sha256: String,
}

#[derive(Deserialize)]
struct Predicate {
    serialization: Serialization,
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Serialization {
    method: String,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    algorithm: String,
    digest: String,
}

/// Returns the files of a statement. Checks that the digest of its subject is that of the list of files.
///
/// # Errors
/// Returns an error if the statement has another type, lists parts of files, or is inconsistent.
pub(super) fn signed_files(statement: &[u8]) -> Result<SignedFiles, SignatureError> {
    let invalid = |error: serde_json::Error| SignatureError::Format(error.to_string());
    let statement: Statement = serde_json::from_slice(statement).map_err(invalid)?;
    check_type(&statement.statement_type, STATEMENT_TYPE)?;
    check_type(&statement.predicate_type, PREDICATE_TYPE)?;
    let predicate: Predicate = serde_json::from_value(statement.predicate).map_err(invalid)?;
    if predicate.serialization.method != "files" {
        return format_error("it lists parts of files instead of files");
    }
    let (mut files, mut all) = (BTreeMap::new(), Sha256::new());
    for resource in predicate.resources {
        if resource.algorithm != ALGORITHM {
            return format_error("a digest is not an SHA-256");
        }
        let digest = parse_digest(&resource.digest)?;
        all.update(digest);
        if files.insert(resource.name, digest).is_some() {
            return format_error("it lists a file twice");
        }
    }
    let [subject] = statement.subject.as_slice() else {
        return format_error("it must have exactly one subject");
    };
    if parse_digest(&subject.digest.sha256)?[..] != all.finalize()[..] {
        return format_error("the digest of its subject is not that of its files");
    }
    Ok(SignedFiles(files))
}

fn check_type(found: &str, expected: &str) -> Result<(), SignatureError> {
    if found == expected {
        return Ok(());
    }
    format_error(&format!("its type is not `{expected}`"))
}

fn parse_digest(text: &str) -> Result<Sha256Digest, SignatureError> {
    let mut digest = Sha256Digest::default();
    match hex::decode_to_slice(text, &mut digest) {
        Ok(()) => Ok(digest),
        Err(_) => format_error("a digest does not have 64 hexadecimal digits"),
    }
}

fn format_error<T>(reason: &str) -> Result<T, SignatureError> {
    Err(SignatureError::Format(reason.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const A: &str = "3c8b7652979ee5792f8b924105532effff0a7bf226c64475d48cac61d66e0fbf";
    const B: &str = "562a1f898c2ea5dc7ace8b41f3517163f26e2fea68f99955d3d3b8681343a801";
    /// SHA-256 of both digests, from a signature of model-signing 1.1.1.
    const SUBJECT: &str = "7cbca0638ab95ad0fa64cc57953504611840b8aad45b6191fe9f804271dbd284";

    fn statement() -> Value {
        json!({
            "_type": STATEMENT_TYPE,
            "subject": [{"name": "1", "digest": {"sha256": SUBJECT}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": false},
                "resources": [
                    {"name": "mien.toml", "algorithm": "sha256", "digest": A},
                    {"name": "weights/model.data", "algorithm": "sha256", "digest": B},
                ],
            },
        })
    }

    #[test]
    fn files_are_listed_with_digests() {
        let files = signed_files(statement().to_string().as_bytes()).unwrap();
        let digest = |path: &str| files.digest(path).map(hex::encode);
        assert_eq!(digest("mien.toml").as_deref(), Some(A));
        assert_eq!(digest("weights/model.data").as_deref(), Some(B));
        assert_eq!(digest("model.onnx"), None);
    }

    #[test]
    fn inconsistent_statements_are_rejected() {
        for (pointer, value, reason) in [
            ("/_type", json!("x"), "its type is not"),
            (
                "/predicateType",
                json!("https://slsa.dev/provenance/v1"),
                "its type is not",
            ),
            (
                "/predicate/serialization/method",
                json!("shards"),
                "parts of files",
            ),
            (
                "/predicate/resources/0/algorithm",
                json!("blake3"),
                "not an SHA-256",
            ),
            (
                "/predicate/resources/0/digest",
                json!("3c8b"),
                "64 hexadecimal digits",
            ),
            (
                "/predicate/resources/0/digest",
                json!(B),
                "digest of its subject",
            ),
            (
                "/predicate/resources/0/name",
                json!("weights/model.data"),
                "a file twice",
            ),
            ("/predicate/resources", json!([]), "digest of its subject"),
            ("/predicate/resources", json!(1), "invalid type"),
            ("/subject", json!([]), "exactly one subject"),
            (
                "/subject/0/digest/sha256",
                json!(A),
                "digest of its subject",
            ),
        ] {
            let mut statement = statement();
            *statement.pointer_mut(pointer).unwrap() = value;
            let error = signed_files(statement.to_string().as_bytes()).unwrap_err();
            assert!(error.to_string().contains(reason), "{pointer}: {error}");
        }
    }
}
