use proptest::prelude::*;

use super::{Outcome, Report, Tally, min_images_for_margin, paired_difference, wilson};
use crate::{dataset::Usage, expression::Expression};

/// Creates an outcome with this prediction and confidence; the other classes have equal probabilities.
fn outcome(truth: Expression, usage: Usage, prediction: Expression, confidence: f32) -> Outcome {
    let mut probabilities = [(1.0 - confidence) / 6.0; Expression::COUNT];
    probabilities[prediction.index()] = confidence;
    Outcome {
        truth,
        usage,
        probabilities,
    }
}

fn report(outcomes: &[Outcome]) -> Report {
    let mut tally = Tally::default();
    outcomes.iter().for_each(|o| tally.add(o));
    tally.report()
}

fn assert_close(a: Option<f64>, b: f64) {
    assert!((a.unwrap() - b).abs() < 1e-6, "{a:?} is not {b}");
}

#[test]
fn wilson_agrees_with_statsmodels() {
    // statsmodels.stats.proportion.proportion_confint(hits, total, method="wilson")
    for (hits, total, low, high) in [
        (4901, 7178, 0.671_919_08, 0.693_446_82),
        (0, 10, 0.0, 0.277_532_80),
        (10, 10, 0.722_467_20, 1.0),
        (1, 2, 0.094_531_21, 0.905_468_79),
    ] {
        let [a, b] = wilson(hits, total).unwrap();
        assert!(
            (a - low).abs() < 1e-7 && (b - high).abs() < 1e-7,
            "{hits}/{total}: {a} {b}"
        );
    }
    assert_eq!(wilson(0, 0), None);
}

#[test]
fn scores_agree_with_scikit_learn() {
    use Expression::{Angry, Happy, Sad};
    let pairs = [
        (Happy, Happy, 0.9),
        (Happy, Happy, 0.8),
        (Happy, Sad, 0.5),
        (Sad, Sad, 0.6),
        (Sad, Angry, 0.35),
        (Angry, Happy, 0.7),
    ];
    let outcomes =
        pairs.map(|(truth, p, confidence)| outcome(truth, Usage::Unknown, p, confidence));
    let report = report(&outcomes);
    assert_eq!((report.score.total, report.score.correct), (6, 3));
    assert_close(report.score.accuracy, 0.5);
    // f1_score(average="macro") and balanced_accuracy_score over the three labels.
    assert_close(report.macro_f1, 0.388_888_889);
    assert_close(report.balanced_accuracy, 0.388_888_889);
    // Six images in six bins: the mean of |hit - confidence|.
    assert_close(
        report.expected_calibration_error,
        (0.1 + 0.2 + 0.5 + 0.4 + 0.35 + 0.7) / 6.0,
    );
    // log_loss(truth, probabilities, labels=range(7)).
    assert_close(report.log_loss, 1.423_751_833);
    let sad = &report.classes[Sad.index()];
    assert_eq!((sad.label, sad.support), (Sad, 2));
    assert_eq!(
        (sad.precision, sad.recall, sad.f1),
        (Some(0.5), Some(0.5), Some(0.5))
    );
}

#[test]
fn ratios_without_denominator_are_null() {
    let empty = report(&[]);
    assert_eq!((empty.score.accuracy, empty.score.interval), (None, None));
    assert_eq!((empty.macro_f1, empty.log_loss), (None, None));
    assert!(empty.splits.is_empty());

    let one = report(&[outcome(
        Expression::Fear,
        Usage::Unknown,
        Expression::Sad,
        0.9,
    )]);
    let [fear, sad, happy] = [Expression::Fear, Expression::Sad, Expression::Happy]
        .map(|e| one.classes[e.index()].clone());
    assert_eq!(
        (fear.precision, fear.recall, fear.f1),
        (None, Some(0.0), Some(0.0))
    );
    assert_eq!(
        (sad.precision, sad.recall, sad.f1),
        (Some(0.0), None, Some(0.0))
    );
    assert_eq!(
        (happy.precision, happy.recall, happy.f1),
        (None, None, None)
    );
    assert_eq!(one.macro_f1, Some(0.0));
}

#[test]
fn uses_in_fer2013_are_scored_separately() {
    let report = report(&[
        outcome(Expression::Fear, Usage::PublicTest, Expression::Fear, 0.9),
        outcome(Expression::Fear, Usage::PrivateTest, Expression::Fear, 0.9),
        outcome(Expression::Fear, Usage::PrivateTest, Expression::Sad, 0.9),
        outcome(Expression::Fear, Usage::Unknown, Expression::Sad, 0.9),
    ]);
    assert_eq!(report.score.total, 4);
    assert_eq!(report.splits[&Usage::PublicTest].accuracy, Some(1.0));
    assert_eq!(report.splits[&Usage::PrivateTest].accuracy, Some(0.5));
    assert_eq!(report.splits.len(), 2);
}

#[test]
fn json_has_documented_shape() {
    let report = report(&[outcome(
        Expression::Happy,
        Usage::PublicTest,
        Expression::Happy,
        0.75,
    )]);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["total"], &json["correct"]), (&1.into(), &1.into()));
    assert_eq!(json["accuracy"], 1.0);
    assert_eq!(json["interval"].as_array().unwrap().len(), 2);
    assert_eq!(
        json["confusion"][3],
        serde_json::json!([0, 0, 0, 1, 0, 0, 0])
    );
    let happy = serde_json::json!({"label": "happy", "support": 1, "precision": 1.0, "recall": 1.0, "f1": 1.0});
    assert_eq!(json["classes"][3], happy);
    assert_eq!(json["splits"]["PublicTest"]["total"], 1);
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
}

#[test]
fn equal_probabilities_predict_the_first_class() {
    let even = Outcome {
        truth: Expression::Sad,
        usage: Usage::Unknown,
        probabilities: [1.0 / 7.0; 7],
    };
    assert_eq!(even.prediction(), Expression::Angry);
}

proptest! {
    #[test]
    fn report_is_consistent_for_any_output(
        rows in proptest::collection::vec((0_usize..7, proptest::array::uniform7(any::<f32>())), 0..60),
    ) {
        let outcomes: Vec<_> = rows.iter().map(|(truth, probabilities)| Outcome {
            truth: Expression::from_index(*truth).unwrap(),
            usage: Usage::Unknown,
            probabilities: *probabilities,
        }).collect();
        let report = report(&outcomes);
        prop_assert_eq!(report.score.total as usize, rows.len());
        prop_assert_eq!(report.classes.iter().map(|c| c.support).sum::<u64>(), report.score.total);
        if let (Some(accuracy), Some([low, high])) = (report.score.accuracy, report.score.interval) {
            prop_assert!(0.0 <= low && low <= accuracy && accuracy <= high && high <= 1.0);
        }
    }
}

#[test]
fn min_images_is_smallest_number_that_can_meet_margin() {
    let can_meet = |images: u64, margin: f64| {
        (0..=images).any(|correct| {
            let [low, _] = paired_difference(correct, 0, 0, images - correct).unwrap();
            low >= -margin
        })
    };
    for margin in [1.0, 0.5, 0.1, 0.05, 0.013] {
        let images = min_images_for_margin(margin);
        assert!(can_meet(images, margin), "{margin}: {images}");
        assert!(
            images == 1 || !can_meet(images - 1, margin),
            "{margin}: {images}"
        );
    }
}
