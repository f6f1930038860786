//! Sigstore bundles with a DSSE envelope.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::SignatureError;

/// Type of the payload: an in-toto statement.
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A Sigstore bundle (`sigstore_bundle.proto`). The verification material is not read, because the keys are known.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    dsse_envelope: Envelope,
}

/// A DSSE envelope (DSSE 1.0, `envelope.md`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
struct EnvelopeSignature {
    sig: String,
}

/// Returns the payload of a bundle. `verify` gets the signed message and the signature.
///
/// # Errors
/// Returns an error if the bundle is invalid or `verify` returns false.
pub(super) fn verified_payload(
    text: &str,
    verify: impl Fn(&[u8], &[u8]) -> bool,
) -> Result<Vec<u8>, SignatureError> {
    let format = |reason: &str| SignatureError::Format(reason.to_owned());
    let bundle: Bundle =
        serde_json::from_str(text).map_err(|error| SignatureError::Format(error.to_string()))?;
    let envelope = bundle.dsse_envelope;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(format("its payload is not an in-toto statement"));
    }
    // A bundle has exactly one signature, unlike other envelopes.
    let [signature] = envelope.signatures.as_slice() else {
        return Err(format("it must have exactly one signature"));
    };
    let decode = |text: &str| {
        let decoded = STANDARD.decode(text);
        decoded.map_err(|_| format("its payload or signature is not base64"))
    };
    let (payload, signature) = (decode(&envelope.payload)?, decode(&signature.sig)?);
    if verify(&encode_message(&payload), &signature) {
        Ok(payload)
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// Returns the message that is signed: the pre-authentication encoding of DSSE 1.0 (`protocol.md`, "Signature Definition").
fn encode_message(payload: &[u8]) -> Vec<u8> {
    let (type_length, length) = (PAYLOAD_TYPE.len(), payload.len());
    let header = format!("DSSEv1 {type_length} {PAYLOAD_TYPE} {length} ");
    [header.as_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(payload_type: &str, signatures: &str) -> String {
        format!(
            r#"{{"dsseEnvelope":{{"payload":"e30=","payloadType":"{payload_type}","signatures":{signatures}}}}}"#
        )
    }

    #[test]
    fn message_is_pre_authentication_encoding() {
        let text = bundle(PAYLOAD_TYPE, r#"[{"sig":"AQI="}]"#);
        let payload = verified_payload(&text, |message, signature| {
            assert_eq!(message, b"DSSEv1 28 application/vnd.in-toto+json 2 {}");
            signature == [1, 2]
        });
        assert_eq!(payload.unwrap(), b"{}");
        let rejected = verified_payload(&text, |_, _| false);
        assert!(matches!(rejected, Err(SignatureError::Mismatch)));
    }

    #[test]
    fn invalid_bundles_are_rejected_without_verification() {
        for text in [
            String::new(),
            "{}".to_owned(),
            bundle("text/plain", r#"[{"sig":"AQI="}]"#),
            bundle(PAYLOAD_TYPE, "[]"),
            bundle(PAYLOAD_TYPE, r#"[{"sig":"AQI="},{"sig":"AQI="}]"#),
            bundle(PAYLOAD_TYPE, r#"[{"sig":"*"}]"#),
        ] {
            let result = verified_payload(&text, |_, _| panic!("{text}"));
            assert!(matches!(result, Err(SignatureError::Format(_))), "{text}");
        }
    }
}
