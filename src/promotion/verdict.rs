//! Whether a candidate passes, and by how much it falls short.

use mien_faces::report::{CompareError, Prediction, Score, Tally, compare};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What was measured and what came of it. Accuracies are 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PromotionResult)]
pub struct Verdict {
    /// Whether the candidate passes.
    pub passed: bool,
    /// The smallest `actual` that passes: `min_accuracy` or `-max_regression`.
    pub required: f64,
    /// The accuracy or, with `max_regression`, the lower end of `difference_interval`.
    pub actual: f64,
    /// `required - actual` if the candidate does not pass, otherwise null.
    pub shortfall: Option<f64>,
    /// The candidate.
    pub candidate: Measured,
    /// The version that the candidate was compared with, on the same images; null with `min_accuracy`.
    pub baseline: Option<Measured>,
    /// The candidate's accuracy minus that of `baseline`; null with `min_accuracy`.
    pub difference: Option<f64>,
    /// The 95 % interval of `difference` for paired images; null with `min_accuracy`.
    pub difference_interval: Option<[f64; 2]>,
}

/// How often a version is right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PromotionMeasured)]
pub struct Measured {
    /// The version.
    pub version: String,
    /// The id of its evaluation.
    pub evaluation: String,
    #[serde(flatten)]
    #[expect(missing_docs, reason = "its fields stand in its place")]
    pub score: Score,
}

/// What an evaluation made of each image.
pub(super) struct Side {
    pub(super) version: u64,
    pub(super) evaluation: String,
    pub(super) dataset_sha256: Option<String>,
    pub(super) predictions: Vec<Prediction>,
}

impl Side {
    fn measured(&self, score: Score) -> Measured {
        Measured { version: self.version.to_string(), evaluation: self.evaluation.clone(), score }
    }
}

impl Verdict {
    /// Compares a candidate with an accuracy.
    pub(super) fn min_accuracy(required: f64, candidate: &Side) -> Self {
        let score = candidate.predictions.iter().collect::<Tally>().report().score;
        let actual = score.accuracy.unwrap_or(0.0);
        Self::new(required, actual, candidate.measured(score))
    }

    /// Compares a candidate with another version.
    ///
    /// # Errors
    /// When they were not evaluated on the same images.
    pub(super) fn max_regression(
        margin: f64,
        candidate: &Side,
        baseline: &Side,
    ) -> Result<Self, CompareError> {
        let comparison = compare(&baseline.predictions, &candidate.predictions)?;
        let [lowest, _] = comparison.difference_interval;
        Ok(Self {
            baseline: Some(baseline.measured(comparison.a)),
            difference: Some(comparison.difference),
            difference_interval: Some(comparison.difference_interval),
            ..Self::new(0.0 - margin, lowest, candidate.measured(comparison.b))
        })
    }

    fn new(required: f64, actual: f64, candidate: Measured) -> Self {
        let passed = actual >= required;
        Self {
            passed,
            required,
            actual,
            shortfall: (!passed).then_some(required - actual),
            candidate,
            baseline: None,
            difference: None,
            difference_interval: None,
        }
    }

    /// What was found, for people, in per cent and points of them.
    pub(super) fn sentence(&self) -> String {
        let points = |value: f64| format!("{:.2}", value * 100.0);
        let short = self.shortfall.map(|short| match points(short).as_str() {
            "0.00" => "less than 0.01".to_owned(),
            points => points.to_owned(),
        });
        let (Some(baseline), Some(difference), Some([low, high])) =
            (&self.baseline, self.difference, self.difference_interval)
        else {
            let (right, total) = (points(self.actual), self.candidate.score.total);
            let found = format!("{right} % of {total} images right");
            let required = points(self.required);
            return match short {
                None => format!("{found}; at least {required} % were asked for"),
                Some(short) => {
                    format!("{found}: {short} points short of the {required} % asked for")
                }
            };
        };
        let found = format!(
            "{:+.2} points against version {} on {} images (95 % interval {:+.2} to {:+.2})",
            difference * 100.0,
            baseline.version,
            baseline.score.total,
            low * 100.0,
            high * 100.0
        );
        let margin = points(0.0 - self.required);
        match short {
            None => format!("{found}; a loss of {margin} was allowed"),
            Some(short) => {
                format!("{found}: the loss may be {short} points over the {margin} allowed")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mien_faces::{dataset::Usage, expression::Expression, report::paired_difference};

    use super::*;

    /// Predictions of happy faces; those of `wrong` are taken for sad ones.
    fn side(version: u64, images: usize, wrong: &[usize]) -> Side {
        let prediction = |image: usize| {
            let mut probabilities = [0.0; Expression::COUNT];
            let seen = if wrong.contains(&image) { Expression::Sad } else { Expression::Happy };
            probabilities[seen.index()] = 1.0;
            Prediction {
                image: image.to_string(),
                name: format!("test/happy/{image}.png"),
                usage: Usage::Unknown,
                truth: Expression::Happy,
                probabilities,
            }
        };
        Side {
            version,
            evaluation: format!("e{version}"),
            dataset_sha256: None,
            predictions: (0..images).map(prediction).collect(),
        }
    }

    #[test]
    fn an_accuracy_is_reached_or_missed_by_so_much() {
        let candidate = side(2, 8, &[0, 1]);
        let passes = Verdict::min_accuracy(0.75, &candidate);
        assert!(passes.passed && passes.shortfall.is_none());
        let sentence = passes.sentence();
        assert_eq!(sentence, "75.00 % of 8 images right; at least 75.00 % were asked for");

        let fails = Verdict::min_accuracy(0.8125, &candidate);
        assert_eq!((fails.passed, fails.actual, fails.shortfall), (false, 0.75, Some(0.0625)));
        let sentence = fails.sentence();
        assert_eq!(
            sentence,
            "75.00 % of 8 images right: 6.25 points short of the 81.25 % asked for"
        );
        let hardly = Verdict::min_accuracy(0.750_001, &candidate);
        let sentence = hardly.sentence();
        assert!(sentence.contains("less than 0.01 points short"), "{sentence}");
    }

    #[test]
    fn a_margin_is_held_against_the_lower_end_of_the_paired_interval() {
        let (serving, candidate) = (side(1, 200, &[0, 1, 2]), side(2, 200, &[2, 3, 4, 5]));
        // Both wrong: 2. Only the serving one right: 3, 4, 5. Only the candidate right: 0, 1.
        let [low, high] = paired_difference(194, 3, 2, 1).unwrap();
        assert!(low < 0.0 && 0.0 < high);
        let at_the_end = Verdict::max_regression(-low, &candidate, &serving).unwrap();
        assert!(at_the_end.passed, "{at_the_end:?}");
        assert_eq!(at_the_end.difference, Some(-0.005));
        assert_eq!(at_the_end.difference_interval, Some([low, high]));
        assert_eq!(at_the_end.baseline.as_ref().unwrap().score.correct, 197);

        let margin = 0.02;
        let fails = Verdict::max_regression(margin, &candidate, &serving).unwrap();
        assert!(
            !fails.passed && fails.shortfall.is_some_and(|by| (by - (-margin - low)).abs() < 1e-12)
        );
        let expected = format!(
            "-0.50 points against version 1 on 200 images (95 % interval {:+.2} to {:+.2}): the loss may be {:.2} points over the 2.00 allowed",
            low * 100.0,
            high * 100.0,
            (-margin - low) * 100.0
        );
        assert_eq!(fails.sentence(), expected);
    }

    #[test]
    fn only_images_of_both_count_and_there_must_be_some() {
        // The other one was evaluated on more images.
        let verdict = Verdict::max_regression(1.0, &side(2, 4, &[]), &side(1, 9, &[8])).unwrap();
        assert_eq!((verdict.candidate.score.total, verdict.difference), (4, Some(0.0)));
        let apart =
            Side { predictions: side(1, 9, &[]).predictions.split_off(4), ..side(1, 0, &[]) };
        assert!(Verdict::max_regression(1.0, &side(2, 4, &[]), &apart).is_err());
    }
}
