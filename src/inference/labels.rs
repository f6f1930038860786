//! The names of a model's classes, in the order of its output.

use std::sync::Arc;

/// A model's class names, in output order: at least two, none empty, none twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels(Arc<[String]>);

/// Names that cannot label a model's output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelsError {
    /// One name or none.
    #[error("a classifier needs at least two labels, not {0}")]
    TooFew(usize),
    /// A name without a character.
    #[error("label {0} is empty")]
    Empty(usize),
    /// The same name for two classes.
    #[error("label `{0}` is given twice")]
    Twice(String),
}

impl Labels {
    /// Checks the names.
    ///
    /// # Errors
    /// For fewer than two names, an empty one, or one that is there twice.
    pub fn new(names: Vec<String>) -> Result<Self, LabelsError> {
        if names.len() < 2 {
            return Err(LabelsError::TooFew(names.len()));
        }
        for (index, name) in names.iter().enumerate() {
            if name.trim().is_empty() {
                return Err(LabelsError::Empty(index));
            }
            if names[..index].contains(name) {
                return Err(LabelsError::Twice(name.clone()));
            }
        }
        Ok(Self(names.into()))
    }

    /// How many classes there are, at least 2.
    #[expect(
        clippy::len_without_is_empty,
        reason = "there are always at least two labels"
    )]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The names, in output order.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The name of a class index.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.0.get(index).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Result<Labels, LabelsError> {
        Labels::new(names.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn keeps_the_order() {
        let labels = labels(&["sad", "angry"]).unwrap();
        assert_eq!(
            (labels.len(), labels.get(1), labels.get(2)),
            (2, Some("angry"), None)
        );
    }

    #[test]
    fn refuses_what_cannot_name_classes() {
        assert_eq!(labels(&["sad"]), Err(LabelsError::TooFew(1)));
        assert_eq!(labels(&["sad", " "]), Err(LabelsError::Empty(1)));
        assert_eq!(
            labels(&["sad", "angry", "sad"]),
            Err(LabelsError::Twice("sad".to_owned()))
        );
    }
}
