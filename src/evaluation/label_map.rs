//! A model's own order of classes -> the order of [`Expression`].

use mien_faces::expression::Expression;

use crate::inference::{Labels, Probabilities};

/// A model whose labels are not the seven expressions: its answers cannot be held against the data set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the model's labels are {}; only a model with exactly angry, disgust, fear, happy, neutral, sad and surprise can be evaluated",
    .0.join(", ")
)]
pub struct LabelMismatch(Vec<String>);

/// Which output of a model stands for which expression.
#[derive(Debug, Clone, Copy)]
pub(super) struct LabelMap {
    /// The output index of each expression.
    outputs: [usize; Expression::COUNT],
}

impl LabelMap {
    /// Finds each expression among the labels by its name, whatever the case: Keras users write `Angry`.
    ///
    /// # Errors
    /// When one is missing or there are labels besides the seven.
    pub(super) fn of(labels: &Labels) -> Result<Self, LabelMismatch> {
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

    /// The probabilities in the order of the expressions.
    pub(super) fn arrange(&self, answer: &Probabilities) -> [f32; Expression::COUNT] {
        self.outputs.map(|output| answer.as_slice()[output])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Labels {
        Labels::new(names.iter().map(|&name| name.to_owned()).collect()).unwrap()
    }

    #[test]
    fn another_order_is_mapped_by_name() {
        let fer = labels(&["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"]);
        let answer = Probabilities::new(&[0.01, 0.02, 0.03, 0.04, 0.1, 0.2, 0.6]).unwrap();
        let arranged = LabelMap::of(&fer).unwrap().arrange(&answer);
        assert_eq!(arranged, [0.01, 0.02, 0.03, 0.04, 0.6, 0.1, 0.2]);
    }

    #[test]
    fn other_labels_are_refused() {
        for names in [
            &["cat", "dog"][..],
            &["angry", "disgust", "fear", "happy", "neutral", "sad", "bored"],
            &["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise", "contempt"],
        ] {
            let error = LabelMap::of(&labels(names)).unwrap_err();
            assert!(error.to_string().contains(&names.join(", ")), "{error}");
        }
    }
}
