//! The main results as sentences.

use mien_faces::report::{
    Calibration, Comparison, GroupingScores, Report, WorstGroup,
    format::{count, images, interval, p_value, percent, points},
};

use crate::evaluation::Evaluation;

/// Mean confidence and accuracy that differ by no more than this are called equal.
const NEGLIGIBLE_GAP: f64 = 0.005;

/// Returns the main results of an evaluation, the most important one first.
pub(super) fn evaluation(evaluation: &Evaluation) -> Vec<String> {
    let report = &evaluation.report;
    let sentences = [
        accuracy(report),
        without_duplicates(evaluation),
        left_out(evaluation),
        recall(report),
        largest_gap(&evaluation.groups),
        confusion(report),
        confidence(report),
    ];
    sentences.into_iter().flatten().collect()
}

fn accuracy(report: &Report) -> Option<String> {
    let score = &report.score;
    Some(format!(
        "{} of {} are classified correctly: the accuracy is {} (95 % interval {}).",
        count(score.correct),
        images(score.total),
        percent(score.accuracy?, 2),
        interval(score.interval),
    ))
}

fn without_duplicates(evaluation: &Evaluation) -> Option<String> {
    let without = evaluation.without_duplicates.as_ref()?;
    Some(match without.removed {
        0 => "None of the images is also in the training data.".to_owned(),
        removed => format!(
            "{} {} also in the training data. Without {} the accuracy is {}.",
            images(removed),
            if removed == 1 { "is" } else { "are" },
            if removed == 1 { "it" } else { "them" },
            percent(without.score.accuracy, 2)
        ),
    })
}

fn left_out(evaluation: &Evaluation) -> Option<String> {
    let left_out = &evaluation.left_out;
    (!left_out.is_empty()).then(|| format!("The data set also has {left_out}."))
}

fn recall(report: &Report) -> Option<String> {
    let with_recall = || {
        let classes = report.classes.iter();
        classes.filter_map(|class| Some((class.label, class.recall?)))
    };
    let (best, highest) = with_recall().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let (worst, lowest) = with_recall().min_by(|(_, a), (_, b)| a.total_cmp(b))?;
    (lowest < highest).then(|| {
        format!(
            "Recall is highest for {} ({}) and lowest for {} ({}).",
            best.label(),
            percent(highest, 0),
            worst.label(),
            percent(lowest, 0),
        )
    })
}

fn confusion(report: &Report) -> Option<String> {
    let confusion = report.confusions.first()?;
    Some(format!(
        "The most frequent confusion is {} predicted as {} ({}).",
        confusion.label.label(),
        confusion.prediction.label(),
        images(confusion.images)
    ))
}

fn confidence(report: &Report) -> Option<String> {
    let gap = mean_confidence(&report.calibration)? - report.score.accuracy?;
    let size = 100.0 * gap.abs();
    Some(match gap {
        gap if gap.abs() <= NEGLIGIBLE_GAP => {
            "Mean confidence and accuracy are equal within 0.5 percentage points.".to_owned()
        }
        gap if gap > 0.0 => {
            format!("Mean confidence exceeds accuracy by {size:.1} percentage points.")
        }
        _ => format!("Mean confidence is {size:.1} percentage points below accuracy."),
    })
}

/// Returns the largest gap of all groupings.
fn largest_gap(groupings: &[GroupingScores]) -> Option<String> {
    let gaps = groupings.iter().filter_map(|grouping| {
        let gap = grouping.largest_gap.as_ref()?;
        Some((gap.difference, grouping))
    });
    let (_, grouping) = gaps.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    gap(grouping)
}

/// Returns the largest gap of a grouping.
pub(super) fn gap(grouping: &GroupingScores) -> Option<String> {
    let gap = grouping.largest_gap.as_ref()?;
    let [low, high] = gap.interval.map(|bound| points(bound, 2));
    Some(format!(
        "The largest gap between the groups of {} is {} percentage points: {} minus {} (95 % interval {low} to {high}).",
        grouping.grouping,
        points(gap.difference, 2).trim_start_matches(['+', '±']),
        gap.best,
        gap.worst
    ))
}

/// Returns the mean confidence over all images, or `None` if there are no images.
fn mean_confidence(calibration: &Calibration) -> Option<f64> {
    let total: u64 = calibration.bins.iter().map(|bin| bin.images).sum();
    let sum: f64 = calibration
        .bins
        .iter()
        .filter_map(|bin| Some(bin.images as f64 * bin.confidence?))
        .sum();
    (total > 0).then(|| sum / total as f64)
}

/// States which of two models is more accurate.
pub fn verdict(comparison: &Comparison) -> String {
    let [low, high] = comparison.difference_interval;
    let size = points(comparison.difference, 2);
    let size = size.trim_start_matches(['+', '−']);
    if low > 0.0 {
        format!("B is more accurate than A by {size} percentage points.")
    } else if high < 0.0 {
        format!("B is less accurate than A by {size} percentage points.")
    } else {
        "The accuracies of A and B do not differ significantly on these images.".to_owned()
    }
}

/// Returns the group with the largest loss, if there is one.
pub(super) fn group_loss(comparison: &Comparison) -> Option<String> {
    let WorstGroup { grouping, group } = comparison.largest_group_loss.as_ref()?;
    let [low, high] = group.difference_interval.map(|bound| points(bound, 2));
    Some(format!(
        "The group with the largest loss is {} of {grouping}: {} percentage points on {} (95 % interval {low} to {high}).",
        group.group,
        points(group.difference, 2),
        images(group.images)
    ))
}

/// Returns the figures that support the verdict.
pub(super) fn evidence(comparison: &Comparison) -> String {
    let [low, high] = comparison.difference_interval;
    let pairs = &comparison.pairs;
    format!(
        "B − A is {} percentage points (95 % interval {} to {}). Of {}, only A classifies {} correctly and only B {}. McNemar’s exact test gives {}.",
        points(comparison.difference, 2),
        points(low, 2),
        points(high, 2),
        images(comparison.images),
        count(pairs.only_a_correct),
        count(pairs.only_b_correct),
        p_value(comparison.p_value)
    )
}
