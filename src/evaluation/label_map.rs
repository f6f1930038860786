//! Maps the label order of a model to the order of [`Expression`].

use mien_faces::expression::Expression;

use crate::inference::{Labels, Probabilities};

/// The labels of a model are not the seven expressions, so it cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the model's labels are {}; only a model with exactly angry, disgust, fear, happy, neutral, sad and surprise can be evaluated",
    .0.join(", ")
)]
pub struct LabelMismatch(Vec<String>);

/// The output index of each expression.
#[derive(Debug, Clone, Copy)]
pub(super) struct LabelMap {
    outputs: [usize; Expression::COUNT],
}

impl LabelMap {
    /// Finds each expression among the labels by its name. Upper and lower case do not matter, because Keras users write
    /// `Angry`.
    ///
    /// # Errors
    /// Returns an error if an expression is missing or if there are other labels.
    pub(super) fn new(labels: &Labels) -> Result<Self, LabelMismatch> {
        let mismatch = || LabelMismatch(labels.names().to_vec());
        if labels.len() != Expression::COUNT {
            return Err(mismatch());
        }
        let mut outputs = [0; Expression::COUNT];
        for expression in Expression::ALL {
            let output = labels
                .names()
                .iter()
                .position(|name| name.eq_ignore_ascii_case(expression.label()));
            outputs[expression.index()] = output.ok_or_else(mismatch)?;
        }
        Ok(Self { outputs })
    }

    /// Returns the probabilities in the order of [`Expression`].
    pub(super) fn reorder(&self, probabilities: &Probabilities) -> [f32; Expression::COUNT] {
        self.outputs.map(|output| probabilities.as_slice()[output])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Labels {
        Labels::new(names.iter().map(|&name| name.to_owned()).collect()).unwrap()
    }

    #[test]
    fn labels_are_matched_by_name() {
        let fer = labels(&[
            "Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral",
        ]);
        let probabilities = Probabilities::new(&[0.01, 0.02, 0.03, 0.04, 0.1, 0.2, 0.6]).unwrap();
        let reordered = LabelMap::new(&fer).unwrap().reorder(&probabilities);
        assert_eq!(reordered, [0.01, 0.02, 0.03, 0.04, 0.6, 0.1, 0.2]);
    }

    #[test]
    fn other_labels_are_an_error() {
        for names in [
            &["cat", "dog"][..],
            &[
                "angry", "disgust", "fear", "happy", "neutral", "sad", "bored",
            ],
            &[
                "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise", "contempt",
            ],
        ] {
            let error = LabelMap::new(&labels(names)).unwrap_err();
            assert!(error.to_string().contains(&names.join(", ")), "{error}");
        }
    }
}
