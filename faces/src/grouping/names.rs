//! Valid names of groupings and groups.

use super::terciles::BUILT_IN;

/// Maximum length of a name in characters.
const MAX_LENGTH: usize = 64;

/// Why a name is not valid. The text continues a sentence that begins with the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// The name is empty.
    #[error("is empty; give the column a name")]
    Empty,
    /// The name is too long.
    #[error("is longer than {MAX_LENGTH} characters; shorten it")]
    TooLong,
    /// The name of a grouping has other characters.
    #[error("has the character {0:?}; use ASCII letters, digits, `_` and `-`")]
    GroupingCharacter(char),
    /// The name of a group has other characters.
    #[error("has the character {0:?}; use letters, digits, spaces, ASCII punctuation and `–`")]
    GroupCharacter(char),
    /// The server computes a grouping with this name.
    #[error("is the name of a built-in grouping; rename the column")]
    Reserved,
}

/// Checks the name of a grouping of a user.
///
/// # Errors
/// Returns an error if the name is empty, longer than 64 characters, has other characters than ASCII letters, digits, `_` and `-`, or
/// is the name of a built-in grouping.
pub fn check_grouping(name: &str) -> Result<(), InvalidName> {
    if name.is_empty() {
        return Err(InvalidName::Empty);
    }
    check_length(name)?;
    let is_valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if let Some(other) = name.chars().find(|&c| !is_valid(c)) {
        return Err(InvalidName::GroupingCharacter(other));
    }
    if BUILT_IN
        .iter()
        .any(|other| name.eq_ignore_ascii_case(other))
    {
        return Err(InvalidName::Reserved);
    }
    Ok(())
}

/// Checks the name of a group of a user. Control characters and characters that change the direction of text are not valid, because
/// reports are printed to terminals.
///
/// # Errors
/// Returns an error if the name is longer than 64 characters, or has other characters than letters, digits, spaces, ASCII punctuation
/// and `–`.
pub fn check_group(name: &str) -> Result<(), InvalidName> {
    check_length(name)?;
    let is_valid =
        |c: char| c.is_alphanumeric() || c.is_ascii_punctuation() || matches!(c, ' ' | '–');
    match name.chars().find(|&c| !is_valid(c)) {
        Some(other) => Err(InvalidName::GroupCharacter(other)),
        None => Ok(()),
    }
}

fn check_length(name: &str) -> Result<(), InvalidName> {
    if name.chars().nth(MAX_LENGTH).is_some() {
        return Err(InvalidName::TooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_names_are_rejected_with_remedy() {
        let long = "ä".repeat(MAX_LENGTH + 1);
        for (name, expected) in [
            ("age", Ok(())),
            ("skin_type-2", Ok(())),
            ("", Err(InvalidName::Empty)),
            (&long, Err(InvalidName::TooLong)),
            ("skin type", Err(InvalidName::GroupingCharacter(' '))),
            ("Brightness", Err(InvalidName::Reserved)),
            ("blur", Err(InvalidName::Reserved)),
        ] {
            assert_eq!(check_grouping(name), expected, "{name}");
        }
        for (name, expected) in [
            ("18–29 years, indoor", Ok(())),
            ("schön", Ok(())),
            (&long[..2 * MAX_LENGTH], Ok(())),
            (&long, Err(InvalidName::TooLong)),
            ("a\u{1b}[31m", Err(InvalidName::GroupCharacter('\u{1b}'))),
            ("a\u{202e}b", Err(InvalidName::GroupCharacter('\u{202e}'))),
        ] {
            assert_eq!(check_group(name), expected, "{name}");
        }
    }
}
