//! Class names of a model.

use std::sync::Arc;

/// The class names of a model, in the order of its output: at least two, not empty and unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels(Arc<[String]>);

/// Why names cannot be the labels of a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelsError {
    /// Fewer than two names.
    #[error("a classifier needs at least two labels, not {0}")]
    TooFew(usize),
    /// A name is empty or blank.
    #[error("label {0} is empty")]
    Empty(usize),
    /// Two classes have the same name.
    #[error("label `{0}` is given twice")]
    Twice(String),
}

impl Labels {
    /// Checks the names.
    ///
    /// # Errors
    /// Returns an error for fewer than two names, an empty name or a duplicate.
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

    /// Returns the number of classes, at least 2.
    #[expect(
        clippy::len_without_is_empty,
        reason = "there are always at least two labels"
    )]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the names, in the order of the output.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Returns the name of the class with this index.
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
    fn labels_keep_their_order() {
        let labels = labels(&["sad", "angry"]).unwrap();
        assert_eq!(
            (labels.len(), labels.get(1), labels.get(2)),
            (2, Some("angry"), None)
        );
    }

    #[test]
    fn invalid_labels_are_rejected() {
        assert_eq!(labels(&["sad"]), Err(LabelsError::TooFew(1)));
        assert_eq!(labels(&["sad", " "]), Err(LabelsError::Empty(1)));
        assert_eq!(
            labels(&["sad", "angry", "sad"]),
            Err(LabelsError::Twice("sad".to_owned()))
        );
    }
}
