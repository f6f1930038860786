//! Decodes base64 with optional ASCII whitespace, as `base64` (coreutils) and Python's `encodebytes` write it.

use base64::{DecodeError, Engine, prelude::BASE64_STANDARD};

/// Decodes base64 (standard alphabet) with or without ASCII whitespace and the prefix `data:...;base64,`. Text without whitespace
/// is not copied.
///
/// # Errors
/// Returns an error for other text. Its offset does not count whitespace.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, DecodeError> {
    let text = strip_data_url(text.trim_ascii_start());
    match BASE64_STANDARD.decode(text) {
        Err(_) if text.bytes().any(|byte| byte.is_ascii_whitespace()) => {
            let dense = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
            BASE64_STANDARD.decode(dense.collect::<Vec<u8>>())
        }
        result => result,
    }
}

fn strip_data_url(text: &str) -> &str {
    match text.split_once(";base64,") {
        Some((head, rest)) if head.starts_with("data:") => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn data_url_prefix_is_removed() {
        for text in [
            "AAAA",
            "data:image/png;base64,AAAA",
            "\n data:image/png;base64, AAAA\n",
        ] {
            assert_eq!(decode(text), Ok(vec![0; 3]), "{text}");
        }
    }

    #[test]
    fn other_characters_are_rejected() {
        for text in [
            "AA*A",
            "AA\n*A",
            "AAA",
            "A A A",
            "AA\u{a0}AA",
            "AA\u{0}AA",
            "AA-_",
        ] {
            assert!(decode(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whitespace_is_ignored(
            bytes: Vec<u8>,
            gaps in prop::collection::vec((any::<prop::sample::Index>(), "[ \t\r\n\x0c]{1,3}"), 0..8),
        ) {
            let mut text = BASE64_STANDARD.encode(&bytes);
            for (at, gap) in gaps {
                text.insert_str(at.index(text.len() + 1), &gap);
            }
            prop_assert_eq!(decode(&text), Ok(bytes));
        }
    }
}
