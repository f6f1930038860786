//! A classifier that averages the probabilities of several networks.
//!
//! The prediction is the weighted arithmetic mean of the members' probabilities, which Lakshminarayanan et al. 2017, "Simple
//! and Scalable Predictive Uncertainty Estimation using Deep Ensembles", section 2.4, use with equal weights.

use super::{
    Classifier, InferenceError, Input, Prediction, Probabilities,
    signature::{Output, OutputKind, Signature},
};

/// One network of an ensemble.
pub struct Member<C> {
    /// Name in error messages, `NAME@VERSION`.
    pub name: String,
    /// Weight in the mean, in (0, 1].
    pub weight: f64,
    /// The network.
    pub classifier: C,
}

/// Runs its members sequentially on the same inputs and averages their probabilities.
pub struct EnsembleClassifier<C> {
    members: Vec<Member<C>>,
    /// Number of classes of each member.
    labels: usize,
}

impl<C: Classifier> EnsembleClassifier<C> {
    /// Combines members that have the same `labels` classes and take faces of the same side. The weights sum to 1.
    pub fn new(members: Vec<Member<C>>, labels: usize) -> Self {
        Self { members, labels }
    }

    /// Returns the weighted sum of the members' probabilities for each input, or the error of the first member that fails
    /// for that input.
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
            let predictions = classifier
                .classify(inputs)
                .map_err(|error| error.in_member(name))?;
            for (row, prediction) in rows.iter_mut().zip(predictions) {
                let Ok(sums) = row else { continue };
                match prediction {
                    Ok(prediction) => add(sums, &prediction.probabilities, *weight),
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
    ) -> Result<Vec<Result<Prediction, InferenceError>>, InferenceError> {
        let rows = self.sum(inputs)?;
        Ok(rows
            .into_iter()
            .map(|row| row.and_then(|mean| prediction(&mean)))
            .collect())
    }
}

impl InferenceError {
    /// Adds the name of the member that failed.
    pub(crate) fn in_member(self, name: &str) -> Self {
        let named = |reason: String| format!("member `{name}`: {reason}");
        match self {
            Self::Runtime(reason) => Self::Runtime(named(reason)),
            Self::Model(reason) => Self::Model(named(reason)),
            Self::Run(reason) => Self::Run(named(reason)),
            Self::Timeout(reason) => Self::Timeout(named(reason)),
            Self::Output(reason) => Self::Output(named(reason)),
        }
    }
}

/// Returns the signature of an ensemble whose members take square faces of `side` pixels. The input is uint8; the outputs
/// are the mean probabilities and their logarithms.
pub fn signature(side: usize, labels: usize) -> Signature {
    let output = |name: &str| Output {
        name: name.to_owned(),
        columns: labels,
        is_fp16: false,
    };
    Signature {
        input: "image".to_owned(),
        shape: vec![1, 1, side, side],
        scaling: None,
        is_fp16: false,
        side,
        // Members with a fixed batch size split and pad the batch.
        fixed_batch: None,
        outputs: vec![output("probabilities"), output("logits")],
        prediction: 0,
        kind: Some(OutputKind::Probabilities),
    }
}

fn add(sums: &mut [f64], probabilities: &Probabilities, weight: f64) {
    for (sum, &probability) in sums.iter_mut().zip(probabilities.as_slice()) {
        *sum += weight * f64::from(probability);
    }
}

/// Returns the prediction for a row of mean probabilities. If a probability rounds to 0, its logarithm is that of the
/// smallest normal float32, because JSON and many clients do not support infinity.
fn prediction(mean: &[f64]) -> Result<Prediction, InferenceError> {
    #[expect(clippy::cast_possible_truncation, reason = "probabilities are float32")]
    let mut outputs: Vec<f32> = mean.iter().map(|&probability| probability as f32).collect();
    let probabilities = Probabilities::new(&outputs)?;
    let logits = probabilities
        .as_slice()
        .iter()
        .map(|p| p.max(f32::MIN_POSITIVE).ln());
    outputs.extend(logits);
    Ok(Prediction {
        probabilities,
        outputs: outputs.into(),
    })
}

#[cfg(test)]
mod tests {
    use mien_faces::image::Face;

    use super::*;

    /// Returns the same row or error for each input.
    struct Fake(Result<Vec<f32>, InferenceError>);

    impl Classifier for Fake {
        fn classify(
            &mut self,
            inputs: &[Input],
        ) -> Result<Vec<Result<Prediction, InferenceError>>, InferenceError> {
            if let Err(InferenceError::Run(reason)) = &self.0 {
                return Err(InferenceError::Run(reason.clone()));
            }
            let prediction = || {
                let row = self.0.clone()?;
                Ok(Prediction {
                    probabilities: Probabilities::new(&row)?,
                    outputs: row.into(),
                })
            };
            Ok(inputs.iter().map(|_| prediction()).collect())
        }
    }

    fn classify(
        members: Vec<(f64, Result<Vec<f32>, InferenceError>)>,
    ) -> Result<Vec<Result<Prediction, InferenceError>>, InferenceError> {
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
    fn outputs_are_weighted_mean_and_its_logarithm() {
        let rows = vec![
            (0.25, Ok(vec![1.0, 0.0, 0.0])),
            (0.75, Ok(vec![0.2, 0.8, 0.0])),
        ];
        let predictions = classify(rows).unwrap();
        assert_eq!(predictions.len(), 2);
        for prediction in predictions {
            let Prediction {
                probabilities,
                outputs,
            } = prediction.unwrap();
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
    fn softmax_of_logits_is_the_mean() {
        let rows = vec![
            (0.5, Ok(vec![0.7, 0.3, 0.0])),
            (0.5, Ok(vec![0.1, 0.2, 0.7])),
        ];
        let prediction = classify(rows).unwrap().remove(0).unwrap();
        let softmax = Probabilities::from_logits(&prediction.outputs[3..]).unwrap();
        let mean = prediction.probabilities.as_slice();
        for (got, want) in softmax.as_slice().iter().zip(mean) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
    }

    #[test]
    fn errors_name_the_member() {
        let valid = || (0.5, Ok(vec![1.0, 0.0, 0.0]));
        let invalid = || Err(InferenceError::Output("NaN".to_owned()));
        let predictions = classify(vec![valid(), (0.5, invalid())]).unwrap();
        let named = InferenceError::Output("member `b@2`: NaN".to_owned());
        assert!(
            predictions
                .into_iter()
                .all(|prediction| prediction == Err(named.clone()))
        );
        // The first failure counts.
        let predictions = classify(vec![(0.5, invalid()), (0.5, invalid())]).unwrap();
        assert!(
            predictions[0]
                .as_ref()
                .unwrap_err()
                .to_string()
                .contains("`a@1`")
        );
        let failed = classify(vec![
            valid(),
            (0.5, Err(InferenceError::Run("full".to_owned()))),
        ]);
        assert_eq!(
            failed,
            Err(InferenceError::Run("member `b@2`: full".to_owned()))
        );
    }
}
