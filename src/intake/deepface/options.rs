//! The options of an analysis that change the result or that mien does not support.

/// The only supported action.
const EXPRESSION: &str = "emotion";

/// The options of an analysis. Options that do not apply to mien are not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalysisOptions {
    /// The first action that is not supported.
    pub unsupported_action: Option<String>,
    /// Whether an image without a face is an error. Otherwise the whole image is the face.
    pub enforce_detection: bool,
    /// Whether photos of photos are to be rejected.
    pub anti_spoofing: bool,
    /// Whether the image is to be used without a search for faces.
    pub skips_detection: bool,
}

impl Default for AnalysisOptions {
    fn default() -> Self {
        Self {
            unsupported_action: None,
            enforce_detection: true,
            anti_spoofing: false,
            skips_detection: false,
        }
    }
}

impl AnalysisOptions {
    /// Adds the actions of a text: one action, or several as deepface writes them in a form, for example `[emotion, age]`.
    pub(super) fn add_actions(&mut self, text: &str) {
        let actions = text.split(',').map(|action| {
            action.trim_matches(|c: char| c.is_whitespace() || "[]()\"'".contains(c))
        });
        for action in actions.filter(|action| !action.is_empty()) {
            if action != EXPRESSION && self.unsupported_action.is_none() {
                self.unsupported_action = Some(action.to_owned());
            }
        }
    }

    /// Sets the name of the detector. Every name selects mien's detector, except `skip`.
    pub(super) fn set_detector(&mut self, name: &str) {
        self.skips_detection = name == "skip";
    }
}

/// Returns the value of a flag that is a text. Python writes `True`.
pub(super) fn flag(text: &str) -> bool {
    text.eq_ignore_ascii_case("true")
}

#[cfg(test)]
mod tests {
    use super::AnalysisOptions;

    #[test]
    fn actions_of_text_are_separated() {
        for (text, unsupported) in [
            ("emotion", None),
            ("[\"emotion\"]", None),
            ("('emotion', 'age', 'race')", Some("age")),
            ("", None),
            ("emotions", Some("emotions")),
        ] {
            let mut options = AnalysisOptions::default();
            options.add_actions(text);
            assert_eq!(options.unsupported_action.as_deref(), unsupported, "{text}");
        }
    }
}
