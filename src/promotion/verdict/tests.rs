use mien_faces::{
    dataset::Usage,
    expression::Expression,
    grouping::Grouping,
    report::{Prediction, paired_difference},
};

use super::*;

/// Predictions of happy faces; the images of `wrong` are predicted as sad.
fn measurement(version: u64, images: usize, wrong: &[usize]) -> Measurement {
    let prediction = |image: usize| {
        let mut probabilities = [0.0; Expression::COUNT];
        let seen = if wrong.contains(&image) {
            Expression::Sad
        } else {
            Expression::Happy
        };
        probabilities[seen.index()] = 1.0;
        Prediction {
            image: image.to_string(),
            name: format!("test/happy/{image}.png"),
            usage: Usage::Unknown,
            truth: Expression::Happy,
            probabilities,
        }
    };
    Measurement {
        version: ModelVersion::of(version),
        evaluation: JobId::of(u128::from(version)),
        dataset_sha256: None,
        predictions: Predictions {
            images: (0..images).map(prediction).collect(),
            groupings: Vec::new(),
        },
    }
}

#[test]
fn min_accuracy_reports_shortfall() {
    let candidate = measurement(2, 8, &[0, 1]);
    let passes = Verdict::min_accuracy(0.75, &candidate);
    assert!(passes.passed && passes.shortfall.is_none());
    let sentence = passes.sentence();
    assert_eq!(
        sentence,
        "75.00 % of 8 images are correct; the minimum is 75.00 %"
    );

    let fails = Verdict::min_accuracy(0.8125, &candidate);
    assert_eq!(
        (fails.passed, fails.actual, fails.shortfall),
        (false, 0.75, Some(0.0625))
    );
    let sentence = fails.sentence();
    assert_eq!(
        sentence,
        "75.00 % of 8 images are correct: 6.25 points below the minimum of 81.25 %"
    );
    let hardly = Verdict::min_accuracy(0.750_001, &candidate);
    let sentence = hardly.sentence();
    assert!(
        sentence.contains("less than 0.01 points below"),
        "{sentence}"
    );
}

#[test]
fn max_regression_uses_lower_end_of_paired_interval() {
    let (serving, candidate) = (
        measurement(1, 200, &[0, 1, 2]),
        measurement(2, 200, &[2, 3, 4, 5]),
    );
    // Both incorrect: 2. Only the baseline correct: 3, 4, 5. Only the candidate correct: 0, 1.
    let [low, high] = paired_difference(194, 3, 2, 1).unwrap();
    assert!(low < 0.0 && 0.0 < high);
    let at_the_end = Verdict::max_regression(-low, None, &candidate, &serving).unwrap();
    assert!(at_the_end.passed, "{at_the_end:?}");
    assert_eq!(at_the_end.difference, Some(-0.005));
    assert_eq!(at_the_end.difference_interval, Some([low, high]));
    assert_eq!(at_the_end.baseline.as_ref().unwrap().score.correct, 197);

    let margin = 0.02;
    let fails = Verdict::max_regression(margin, None, &candidate, &serving).unwrap();
    assert!(
        !fails.passed
            && fails
                .shortfall
                .is_some_and(|by| (by - (-margin - low)).abs() < 1e-12)
    );
    let expected = format!(
        "-0.50 points compared with version 1 on 200 images (95 % interval {:+.2} to {:+.2}): the lower end is {:.2} points below the limit of -2.00 points",
        low * 100.0,
        high * 100.0,
        (-margin - low) * 100.0
    );
    assert_eq!(fails.sentence(), expected);
}

#[test]
fn max_regression_needs_common_images() {
    // The baseline was evaluated on more images.
    let verdict =
        Verdict::max_regression(1.0, None, &measurement(2, 4, &[]), &measurement(1, 9, &[8]))
            .unwrap();
    assert_eq!(
        (verdict.candidate.score.total, verdict.difference),
        (4, Some(0.0))
    );
    let mut apart = measurement(1, 9, &[]);
    apart.predictions.images.drain(..4);
    assert!(Verdict::max_regression(1.0, None, &measurement(2, 4, &[]), &apart).is_err());
}

/// Returns a baseline without mistakes whose first `indoor` images are in the group `indoor`; the others are in `outdoor`.
fn baseline_with_groups(images: usize, indoor: usize) -> Measurement {
    let group = |image| Some(if image < indoor { "indoor" } else { "outdoor" });
    let mut baseline = measurement(1, images, &[]);
    let grouping = Grouping::of_names("light", (0..images).map(group)).unwrap();
    baseline.predictions.groupings = vec![grouping];
    baseline
}

#[test]
fn group_regression_rejects_candidate_that_passes_overall() {
    let baseline = baseline_with_groups(400, 100);
    let candidate = measurement(2, 400, &[0, 1, 2, 3]);
    let [all, _] = paired_difference(396, 4, 0, 0).unwrap();
    let [low, high] = paired_difference(96, 4, 0, 0).unwrap();
    let verdict = |group_margin| {
        Verdict::max_regression(-all, Some(group_margin), &candidate, &baseline).unwrap()
    };
    let passes = verdict(-low);
    let groups = passes.groups.as_ref().unwrap();
    assert!(passes.passed && groups.passed, "{passes:?}");
    assert_eq!((groups.compared, groups.failed), (2, 0));
    assert_eq!(groups.shortfall, None);
    let sentence = passes.sentence();
    assert!(
        sentence.contains("; failed groups: 0 of 2, the worst group is indoor of light with -4.00"),
        "{sentence}"
    );

    let rejected = verdict(0.04);
    let groups = rejected.groups.as_ref().unwrap();
    assert!(!rejected.passed && rejected.shortfall.is_none());
    assert_eq!((groups.compared, groups.failed), (2, 1));
    assert_eq!(groups.shortfall, Some(-0.04 - low));
    let worst = groups.worst.as_ref().unwrap();
    assert_eq!((&*worst.grouping, &*worst.group.group), ("light", "indoor"));
    assert_eq!(worst.group.difference_interval, [low, high]);
    let expected = format!(
        "; failed groups: 1 of 2, the worst group is indoor of light with -4.00 points on 100 images \
        (95 % interval {:+.2} to {:+.2}): the lower end is {:.2} points below the limit of -4.00 points",
        low * 100.0,
        high * 100.0,
        (-0.04 - low) * 100.0
    );
    let sentence = rejected.sentence();
    assert!(sentence.ends_with(&expected), "{sentence}");
}

#[test]
fn small_groups_are_not_compared() {
    let candidate = measurement(2, 400, &[0, 1, 2, 3]);
    let verdict = |indoor, images| {
        let baseline = baseline_with_groups(images, indoor);
        Verdict::max_regression(1.0, Some(0.03), &candidate, &baseline).unwrap()
    };
    // The mistakes are in the group of 29 images.
    let passes = verdict(29, 400);
    assert!(passes.passed, "{passes:?}");
    assert_eq!(passes.groups.map(|groups| groups.compared), Some(1));
    let rejected = verdict(30, 400);
    assert!(!rejected.passed, "{rejected:?}");
    let without = verdict(29, 58);
    assert!(!without.passed, "{without:?}");
    assert!(
        without
            .sentence()
            .ends_with("; no group has enough images for a comparison")
    );
}
