//! What the numbers say, in sentences.

use mien_faces::report::{
    Calibration, ClassScore, Comparison, Report,
    format::{count, images, interval, p_value, percent, points},
};

use crate::evaluation::Evaluation;

/// Confidence and accuracy that are no further apart than this are the same, for people.
const AS_SURE: f64 = 0.005;

/// What an evaluation found, the most important first.
pub(super) fn evaluation(evaluation: &Evaluation) -> Vec<String> {
    let report = &evaluation.report;
    let sentences = [
        accuracy(report),
        without_duplicates(evaluation),
        classes(report),
        confidence(report),
    ];
    sentences.into_iter().flatten().collect()
}

fn accuracy(report: &Report) -> Option<String> {
    let score = &report.score;
    Some(format!(
        "It is right about {} of {}, {}; the 95 % interval is {}.",
        count(score.correct),
        images(score.total),
        percent(score.accuracy?, 2),
        interval(score.interval),
    ))
}

fn without_duplicates(evaluation: &Evaluation) -> Option<String> {
    let without = evaluation.without_duplicates.as_ref()?;
    if without.removed == 0 {
        return Some("None of these images lies in the training data too.".to_owned());
    }
    Some(format!(
        "{} of them lie in the training data too; without these it is {}.",
        count(without.removed),
        percent(without.score.accuracy, 2)
    ))
}

fn classes(report: &Report) -> Option<String> {
    let recall = |class: &&ClassScore| class.recall;
    let found = || report.classes.iter().filter(|class| class.recall.is_some());
    let by_recall = |a: &&ClassScore, b: &&ClassScore| {
        recall(a)
            .partial_cmp(&recall(b))
            .unwrap_or(std::cmp::Ordering::Equal)
    };
    let (best, worst) = (found().max_by(by_recall)?, found().min_by(by_recall)?);
    if best.recall == worst.recall {
        return None;
    }
    let confusion = report.confusions.first().map(|most| {
        let (label, prediction) = (most.label.label(), most.prediction.label());
        format!(
            "; most often it takes {label} for {prediction} ({})",
            images(most.images)
        )
    });
    Some(format!(
        "It finds {} of the {} faces and {} of the {} ones{}.",
        percent(best.recall, 0),
        best.label.label(),
        percent(worst.recall, 0),
        worst.label.label(),
        confusion.unwrap_or_default()
    ))
}

fn confidence(report: &Report) -> Option<String> {
    let over = mean_confidence(&report.calibration)? - report.score.accuracy?;
    Some(if over.abs() <= AS_SURE {
        "On average it is as sure as it is right.".to_owned()
    } else {
        let than = if over > 0.0 { "more" } else { "less" };
        format!(
            "On average it is {:.1} points {than} sure than it is right.",
            100.0 * over.abs()
        )
    })
}

/// The mean confidence over all images; none where there are none.
fn mean_confidence(calibration: &Calibration) -> Option<f64> {
    let total: u64 = calibration.bins.iter().map(|bin| bin.images).sum();
    let sum: f64 = calibration
        .bins
        .iter()
        .filter_map(|bin| Some(bin.images as f64 * bin.confidence?))
        .sum();
    (total > 0).then(|| sum / total as f64)
}

/// Which of two is better.
pub fn verdict(comparison: &Comparison) -> String {
    let [low, high] = comparison.difference_interval;
    let by = |difference| {
        format!(
            "{} points",
            points(difference, 2).trim_start_matches(['+', '−'])
        )
    };
    match comparison.difference {
        difference if low > 0.0 => format!("B is better, by {}.", by(difference)),
        difference if high < 0.0 => format!("B is worse, by {}.", by(difference)),
        _ => "These images do not tell which of the two is better.".to_owned(),
    }
}

/// How sure the verdict is.
pub(super) fn evidence(comparison: &Comparison) -> String {
    let [low, high] = comparison.difference_interval;
    let pairs = &comparison.pairs;
    format!(
        "B less A is {} points, 95 % interval {} to {}. Of {} only A is right about {} and only B about {}; McNemar’s exact test gives {}.",
        points(comparison.difference, 2),
        points(low, 2),
        points(high, 2),
        images(comparison.images),
        count(pairs.only_a_correct),
        count(pairs.only_b_correct),
        p_value(comparison.p_value)
    )
}
