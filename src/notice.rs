//! The notice of the operator: a text for the people who use the server and for those who are in the images.

use std::{str::FromStr, sync::Arc};

use maud::{Markup, Render, html};

/// Maximum length of a notice in characters.
const MAX_CHARS: usize = 2_000;

/// A text of one line that the web UI, the API document and reports show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice(Arc<str>);

/// Why a text cannot be a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// The text has no visible characters.
    #[error("the notice is empty")]
    Empty,
    /// The text is too long.
    #[error("the notice has {0} characters; the maximum is {MAX_CHARS}")]
    TooLong(usize),
    /// The text contains a control character.
    #[error("the notice contains the control character {0:?}; write it as one line of text")]
    Control(char),
}

impl Notice {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Render for Notice {
    fn render(&self) -> Markup {
        html! { p.operator-notice { (self.as_str()) } }
    }
}

impl FromStr for Notice {
    type Err = NoticeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let count = text.chars().count();
        match text.chars().find(|c| c.is_control()) {
            Some(control) => Err(NoticeError::Control(control)),
            None if count == 0 => Err(NoticeError::Empty),
            None if count > MAX_CHARS => Err(NoticeError::TooLong(count)),
            None => Ok(Self(text.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_one_line_is_trimmed() {
        let notice: Notice = "  Contact: privacy@example.org ".parse().unwrap();
        assert_eq!(notice.as_str(), "Contact: privacy@example.org");
    }

    #[test]
    fn unsuitable_text_is_rejected() {
        let error = |text: &str| text.parse::<Notice>().unwrap_err();
        assert_eq!(error(" "), NoticeError::Empty);
        assert_eq!(error("a\nb"), NoticeError::Control('\n'));
        assert_eq!(error(&"ä".repeat(2_001)), NoticeError::TooLong(2_001));
        assert!("ä".repeat(2_000).parse::<Notice>().is_ok());
    }
}
