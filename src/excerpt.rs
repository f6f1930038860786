//! Short excerpts of client input for error messages, so that no response repeats a request.

use std::fmt;

/// Maximum number of characters of a quoted value, before escaping.
const MAX_VALUE: usize = 64;

/// Maximum length of the message of a parser, in bytes.
const MAX_PARSER_MESSAGE: usize = 256;

/// Maximum length of an error message, in bytes.
const MAX_MESSAGE: usize = 1024;

/// Replaces the omitted middle of a message.
const OMISSION: &str = " ... ";

/// Displays the beginning of a value of a client with control characters escaped, without quotes.
pub(crate) struct Excerpt<'a>(pub(crate) &'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, rest) = match self.0.char_indices().nth(MAX_VALUE) {
            Some((end, _)) => self.0.split_at(end),
            None => (self.0, ""),
        };
        escape(value, f)?;
        if rest.is_empty() {
            return Ok(());
        }
        write!(f, "... ({} bytes)", self.0.len())
    }
}

/// Displays a shape of a client; long ones only as their number of dimensions.
pub(crate) struct ShapeExcerpt<'a>(pub(crate) &'a [i64]);

impl fmt::Display for ShapeExcerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            0..=8 => write!(f, "{:?}", self.0),
            count => write!(f, "a shape of {count} dimensions"),
        }
    }
}

/// Returns the message of a parser, escaped and shortened. Parsers such as serde quote the value that they reject.
pub(crate) fn parser_message(error: &impl fmt::Display) -> String {
    let message = shorten(error.to_string(), MAX_PARSER_MESSAGE);
    let mut escaped = String::with_capacity(message.len());
    escape(&message, &mut escaped).expect("writing to a string does not fail");
    // Escape sequences can make the message longer again.
    shorten(escaped, MAX_PARSER_MESSAGE)
}

/// Returns an error message of at most 1024 bytes. The middle of longer messages is omitted.
pub(crate) fn bounded(message: impl Into<String>) -> String {
    shorten(message.into(), MAX_MESSAGE)
}

/// Writes the text with control characters, format characters and backslashes escaped.
fn escape(text: &str, out: &mut impl fmt::Write) -> fmt::Result {
    for character in text.chars() {
        match character {
            '\'' | '"' => out.write_char(character)?,
            other => write!(out, "{}", other.escape_debug())?,
        }
    }
    Ok(())
}

/// Removes the middle of a text with more than `max` bytes. The end has one third of the rest, because parsers state the
/// position there.
fn shorten(text: String, max: usize) -> String {
    if text.len() <= max {
        return text;
    }
    let kept = max - OMISSION.len();
    let end = text.ceil_char_boundary(text.len() - kept / 3);
    let start = text.floor_char_boundary(kept - kept / 3);
    format!("{}{OMISSION}{}", &text[..start], &text[end..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_value_is_displayed_completely() {
        assert_eq!(Excerpt("it's \"né\"").to_string(), "it's \"né\"");
        assert_eq!(Excerpt("").to_string(), "");
    }

    #[test]
    fn long_value_is_cut_and_has_its_length() {
        let excerpt = Excerpt(&"é".repeat(65)).to_string();
        assert_eq!(excerpt, format!("{}... (130 bytes)", "é".repeat(64)));
        assert_eq!(Excerpt(&"a".repeat(64)).to_string(), "a".repeat(64));
    }

    #[test]
    fn control_and_format_characters_are_escaped() {
        let excerpt = Excerpt("a\n\u{1b}[31m\\\u{202e}").to_string();
        assert_eq!(excerpt, r"a\n\u{1b}[31m\\\u{202e}");
        assert_eq!(parser_message(&"a\nb"), r"a\nb");
    }

    #[test]
    fn long_shape_is_displayed_as_dimension_count() {
        assert_eq!(ShapeExcerpt(&[1, -1]).to_string(), "[1, -1]");
        assert_eq!(ShapeExcerpt(&[1; 9]).to_string(), "a shape of 9 dimensions");
    }

    #[test]
    fn parser_message_keeps_its_beginning_and_end() {
        let message = format!("invalid type: \"{}\" at line 1", "A".repeat(1 << 20));
        let shortened = parser_message(&message);
        assert!(shortened.starts_with("invalid type: \"AAA"), "{shortened}");
        assert!(shortened.ends_with("AAA\" at line 1"), "{shortened}");
    }

    proptest! {
        #[test]
        fn messages_have_bounded_length(text in "\\PC{0,2000}|[\\x00-\\x1fé]{0,2000}") {
            prop_assert!(bounded(text.as_str()).len() <= MAX_MESSAGE);
            prop_assert!(parser_message(&text).len() <= MAX_PARSER_MESSAGE);
        }
    }
}
