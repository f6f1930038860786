//! New keys.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Start of every key, by which scanners recognise leaked keys.
const PREFIX: &str = "mien_";

/// Creates a key: the prefix and 256 random bits in base64url.
///
/// # Errors
/// Returns an error if the system does not provide random numbers.
pub fn generate() -> Result<String, rand::rngs::SysError> {
    use rand::TryRng;

    let mut bytes = [0; 32];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes)?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// Returns the SHA-256 of a key in hexadecimal digits.
pub fn sha256(key: &str) -> String {
    hex::encode(Sha256::digest(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_distinct_and_have_256_bits() {
        let keys = [generate().unwrap(), generate().unwrap()];
        assert_ne!(keys[0], keys[1]);
        for key in keys {
            let random = key.strip_prefix(PREFIX).unwrap();
            assert_eq!(URL_SAFE_NO_PAD.decode(random).unwrap().len(), 32);
        }
    }

    #[test]
    fn sha256_is_that_of_sha256sum() {
        // printf mien_ | sha256sum
        assert_eq!(
            sha256(PREFIX),
            "29d4c21eed2d19b5044af5d6c2390fa41da827dfb90d904f314bf168f4c7121a"
        );
    }
}
