//! Decodes base64 with optional ASCII whitespace, as `base64` (coreutils) and Python's `encodebytes` write it.

use base64::{DecodeError, Engine, prelude::BASE64_STANDARD};

/// Number of characters that are decoded at a time if the text has whitespace. A multiple of 4.
const CHUNK: usize = 4096;

/// Decodes base64 (standard alphabet) with or without ASCII whitespace and the prefix `data:...;base64,`. The text is not copied.
///
/// # Errors
/// Returns an error for other text. Its offset does not count whitespace.
pub(super) fn decode(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let text = strip_data_url(text.trim_ascii_start());
    match BASE64_STANDARD.decode(text) {
        Err(_) if text.iter().any(u8::is_ascii_whitespace) => decode_chunks(text),
        result => result,
    }
}

/// Decodes base64 with whitespace.
fn decode_chunks(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut file = Vec::with_capacity(text.len() / 4 * 3);
    let mut characters = text.iter().copied().filter(|c| !c.is_ascii_whitespace());
    let (mut chunk, mut decoded) = (Vec::with_capacity(CHUNK), 0);
    loop {
        chunk.clear();
        chunk.extend(characters.by_ref().take(CHUNK));
        let is_last = chunk.len() < CHUNK;
        if decoded > 0 && !chunk.is_empty() && file.len() < decoded / 4 * 3 {
            // The previous chunk ended with padding.
            return Err(DecodeError::InvalidByte(decoded - 1, b'='));
        }
        BASE64_STANDARD
            .decode_vec(&chunk, &mut file)
            .map_err(|error| move_offset(error, decoded))?;
        if is_last {
            return Ok(file);
        }
        decoded += chunk.len();
    }
}

/// Adds the number of characters before a chunk to the offset of its error.
fn move_offset(error: DecodeError, before: usize) -> DecodeError {
    match error {
        DecodeError::InvalidByte(offset, byte) => DecodeError::InvalidByte(before + offset, byte),
        DecodeError::InvalidLength(length) => DecodeError::InvalidLength(before + length),
        DecodeError::InvalidLastSymbol(offset, byte) => {
            DecodeError::InvalidLastSymbol(before + offset, byte)
        }
        DecodeError::InvalidPadding => DecodeError::InvalidPadding,
    }
}

fn strip_data_url(text: &[u8]) -> &[u8] {
    const MARK: &[u8] = b";base64,";
    if !text.starts_with(b"data:") {
        return text;
    }
    let mark = text.windows(MARK.len()).position(|part| part == MARK);
    mark.map_or(text, |at| &text[at + MARK.len()..])
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
            assert_eq!(decode(text.as_bytes()), Ok(vec![0; 3]), "{text}");
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
            assert!(decode(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn long_text_with_whitespace_is_decoded() {
        for length in [3071, 3072, 3073, 6144, 10_000] {
            let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let text = format!(" {}\n", BASE64_STANDARD.encode(&bytes));
            assert_eq!(decode(text.as_bytes()), Ok(bytes), "{length}");
        }
        // Padding in the middle, at the end of a chunk.
        let text = format!("{}==\n{}", "A".repeat(CHUNK - 2), "A".repeat(8));
        assert_eq!(
            decode(text.as_bytes()),
            Err(DecodeError::InvalidByte(CHUNK - 1, b'='))
        );
        let text = format!("{}\n*AAA", "A".repeat(2 * CHUNK));
        let invalid = DecodeError::InvalidByte(2 * CHUNK, b'*');
        assert_eq!(decode(text.as_bytes()), Err(invalid));
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
            prop_assert_eq!(decode(text.as_bytes()), Ok(bytes));
        }
    }
}
