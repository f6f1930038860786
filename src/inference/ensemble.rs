//! A classifier that averages the probabilities of several networks.
//!
//! The answer is the weighted arithmetic mean of the members' probabilities, which Lakshminarayanan et al. 2017, "Simple
//! and Scalable Predictive Uncertainty Estimation using Deep Ensembles", section 2.4, use with equal weights.

use super::{
    Answer, Classifier, InferenceError, Input, Probabilities,
    signature::{Output, OutputKind, Signature},
};

/// One network of an ensemble.
pub struct Member<C> {
    /// The name that errors give, `NAME@VERSION`.
    pub name: String,
    /// Share of the mean, in (0, 1].
    pub weight: f64,
    /// The network.
    pub classifier: C,
}

/// Runs its members one after the other on the same inputs and averages their probabilities.
pub struct EnsembleClassifier<C> {
    members: Vec<Member<C>>,
    /// Number of classes of every member.
    labels: usize,
}

impl<C: Classifier> EnsembleClassifier<C> {
    /// Combines members that have the same `labels` classes and take faces of the same side. The weights sum to 1.
    pub fn new(members: Vec<Member<C>>, labels: usize) -> Self {
        Self { members, labels }
    }

    /// Adds each member's weighted probabilities to one row per input. A row is an error as soon as one member has no
    /// answer to its input.
    fn sum(
        &mut self,
        inputs: &[Input],
    ) -> Result<Vec<Result<Vec<f64>, InferenceError>>, InferenceError> {
        let mut rows = vec![Ok(vec![0.0; self.labels]); inputs.len()];
        for Member {
            name,
            weight,
            classifier,
        } in &mut self.members
        {
            let answers = classifier
                .classify(inputs)
                .map_err(|error| error.in_member(name))?;
            for (row, answer) in rows.iter_mut().zip(answers) {
                let Ok(sums) = row else { continue };
                match answer {
                    Ok(answer) => add(sums, &answer.probabilities, *weight),
                    Err(error) => *row = Err(error.in_member(name)),
                }
            }
        }
        Ok(rows)
    }
}

impl<C: Classifier> Classifier for EnsembleClassifier<C> {
    fn classify(
        &mut self,
        inputs: &[Input],
    ) -> Result<Vec<Result<Answer, InferenceError>>, InferenceError> {
        let rows = self.sum(inputs)?;
        Ok(rows
            .into_iter()
            .map(|row| row.and_then(|mean| answer(&mean)))
            .collect())
    }
}

impl InferenceError {
    /// Adds the name of the ensemble's member that the error comes from.
    pub(crate) fn in_member(self, name: &str) -> Self {
        let named = |reason: String| format!("member `{name}`: {reason}");
        match self {
            Self::Runtime(reason) => Self::Runtime(named(reason)),
            Self::Model(reason) => Self::Model(named(reason)),
            Self::Run(reason) => Self::Run(named(reason)),
            Self::Output(reason) => Self::Output(named(reason)),
        }
    }
}

/// Returns the signature of an ensemble whose members take square faces of `side` pixels: gray bytes in, the mean
/// probabilities and their logarithms out.
pub fn signature(side: usize, labels: usize) -> Signature {
    let output = |name: &str| Output {
        name: name.to_owned(),
        columns: labels,
        half: false,
    };
    Signature {
        input: "image".to_owned(),
        shape: vec![1, 1, side, side],
        feeding: None,
        half: false,
        side,
        // Members with a fixed batch split and pad what they get.
        fixed_batch: None,
        outputs: vec![output("probabilities"), output("logits")],
        answer: 0,
        kind: Some(OutputKind::Probabilities),
    }
}

fn add(sums: &mut [f64], probabilities: &Probabilities, weight: f64) {
    for (sum, &probability) in sums.iter_mut().zip(probabilities.as_slice()) {
        *sum += weight * f64::from(probability);
    }
}

/// The answer of a row of mean probabilities. The logarithm of a probability that rounds to 0 is that of the smallest
/// normal float32, because JSON and many clients have no infinity.
fn answer(mean: &[f64]) -> Result<Answer, InferenceError> {
    #[expect(clippy::cast_possible_truncation, reason = "probabilities are float32")]
    let mut outputs: Vec<f32> = mean.iter().map(|&probability| probability as f32).collect();
    let probabilities = Probabilities::new(&outputs)?;
    let logits = probabilities
        .as_slice()
        .iter()
        .map(|p| p.max(f32::MIN_POSITIVE).ln());
    outputs.extend(logits);
    Ok(Answer {
        probabilities,
        outputs: outputs.into(),
    })
}

#[cfg(test)]
mod tests {
    use mien_faces::image::Face;

    use super::*;

    /// Answers every input with the same row or error.
    struct Fake(Result<Vec<f32>, InferenceError>);

    impl Classifier for Fake {
        fn classify(
            &mut self,
            inputs: &[Input],
        ) -> Result<Vec<Result<Answer, InferenceError>>, InferenceError> {
            if let Err(InferenceError::Run(reason)) = &self.0 {
                return Err(InferenceError::Run(reason.clone()));
            }
            let answer = || {
                let row = self.0.clone()?;
                Ok(Answer {
                    probabilities: Probabilities::new(&row)?,
                    outputs: row.into(),
                })
            };
            Ok(inputs.iter().map(|_| answer()).collect())
        }
    }

    fn classify(
        members: Vec<(f64, Result<Vec<f32>, InferenceError>)>,
    ) -> Result<Vec<Result<Answer, InferenceError>>, InferenceError> {
        let members = members.into_iter().zip(["a@1", "b@2"]);
        let members = members.map(|((weight, row), name)| Member {
            name: name.to_owned(),
            weight,
            classifier: Fake(row),
        });
        let face = || Input::Face(Face::new(1, vec![0]).unwrap());
        EnsembleClassifier::new(members.collect(), 3).classify(&[face(), face()])
    }

    #[test]
    fn answer_is_the_weighted_mean_and_its_logarithm() {
        let rows = vec![
            (0.25, Ok(vec![1.0, 0.0, 0.0])),
            (0.75, Ok(vec![0.2, 0.8, 0.0])),
        ];
        let answers = classify(rows).unwrap();
        assert_eq!(answers.len(), 2);
        for answer in answers {
            let Answer {
                probabilities,
                outputs,
            } = answer.unwrap();
            // 0.25 * 1 + 0.75 * 0.2, 0.75 * 0.8.
            let want = [0.4, 0.6, 0.0];
            for (got, want) in probabilities.as_slice().iter().zip(want) {
                assert!((got - want).abs() < 1e-6, "{probabilities:?}");
            }
            assert_eq!(outputs[..3], *probabilities.as_slice());
            assert!((outputs[3] - 0.4_f32.ln()).abs() < 1e-6, "{outputs:?}");
            assert!(outputs.iter().all(|value| value.is_finite()), "{outputs:?}");
        }
    }

    #[test]
    fn softmax_of_the_logits_gives_the_mean_again() {
        let rows = vec![
            (0.5, Ok(vec![0.7, 0.3, 0.0])),
            (0.5, Ok(vec![0.1, 0.2, 0.7])),
        ];
        let answer = classify(rows).unwrap().remove(0).unwrap();
        let again = Probabilities::from_logits(&answer.outputs[3..]).unwrap();
        for (again, mean) in again.as_slice().iter().zip(answer.probabilities.as_slice()) {
            assert!((again - mean).abs() < 1e-6, "{again} {mean}");
        }
    }

    #[test]
    fn failures_name_the_member() {
        let fine = || (0.5, Ok(vec![1.0, 0.0, 0.0]));
        let unfit = || Err(InferenceError::Output("NaN".to_owned()));
        let answers = classify(vec![fine(), (0.5, unfit())]).unwrap();
        let named = InferenceError::Output("member `b@2`: NaN".to_owned());
        assert!(
            answers
                .into_iter()
                .all(|answer| answer == Err(named.clone()))
        );
        // The first failure counts.
        let answers = classify(vec![(0.5, unfit()), (0.5, unfit())]).unwrap();
        assert!(
            answers[0]
                .as_ref()
                .unwrap_err()
                .to_string()
                .contains("`a@1`")
        );
        let failed = classify(vec![
            fine(),
            (0.5, Err(InferenceError::Run("full".to_owned()))),
        ]);
        assert_eq!(
            failed,
            Err(InferenceError::Run("member `b@2`: full".to_owned()))
        );
    }
}
