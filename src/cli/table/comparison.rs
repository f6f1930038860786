//! Prints a comparison as text.

use std::fmt::{self, Write as _};

use mien_faces::{
    expression::Expression,
    report::{
        Comparison, Score,
        format::{self, p_value, points},
    },
};

use super::{groups, percent};
use crate::evaluation::report::verdict;

/// Maximum number of images with different predictions that are listed.
const MAX_LISTED: usize = 10;

/// Formats the difference with its interval, the recall per class, the agreement table, the difference per group and the images with
/// different predictions.
pub(in crate::cli) fn comparison(a: &str, b: &str, comparison: &Comparison) -> String {
    let mut text = String::new();
    write(&mut text, a, b, comparison).expect("writing to a string does not fail");
    text
}

fn write(text: &mut String, a: &str, b: &str, comparison: &Comparison) -> fmt::Result {
    side(text, "A", a, &comparison.a)?;
    side(text, "B", b, &comparison.b)?;
    let [low, high] = comparison.difference_interval.map(|bound| points(bound, 2));
    let difference = points(comparison.difference, 2);
    writeln!(
        text,
        "\nB minus A    {difference} points, 95 % interval {low} to {high}"
    )?;
    writeln!(
        text,
        "McNemar     {}, exact, two-sided",
        p_value(comparison.p_value)
    )?;
    writeln!(text, "{}\n", verdict(comparison))?;
    if comparison.only_in_a + comparison.only_in_b > 0 {
        let (only_a, only_b) = (comparison.only_in_a, comparison.only_in_b);
        writeln!(
            text,
            "not compared: images only in A: {only_a}, only in B: {only_b}\n"
        )?;
    }
    classes(text, comparison)?;
    pairs(text, comparison)?;
    let loss = comparison.largest_group_loss.as_ref();
    groups::differences(text, &comparison.groups, loss)?;
    flips(text, comparison)
}

fn side(text: &mut String, side: &str, name: &str, score: &Score) -> fmt::Result {
    let Score {
        correct,
        total,
        accuracy,
        ..
    } = score;
    writeln!(
        text,
        "{side} {}   {correct} of {total} images   {name}",
        percent(*accuracy)
    )
}

fn classes(text: &mut String, comparison: &Comparison) -> fmt::Result {
    writeln!(
        text,
        "{:9}{:>8}{:>10}{:>10}{:>11}",
        "recall", "images", "A", "B", "B minus A"
    )?;
    for class in &comparison.classes {
        let [a, b] = [class.recall_a, class.recall_b].map(percent);
        let (label, difference) = (class.label.label(), points(class.difference, 2));
        writeln!(
            text,
            "{label:9}{:>8}{a:>10}{b:>10}{difference:>11}",
            class.support
        )?;
    }
    writeln!(text)
}

fn pairs(text: &mut String, comparison: &Comparison) -> fmt::Result {
    let pairs = &comparison.pairs;
    writeln!(text, "{:11}{:>11}{:>13}", "", "B correct", "B incorrect")?;
    writeln!(
        text,
        "{:11}{:>11}{:>13}",
        "A correct", pairs.both_correct, pairs.only_a_correct
    )?;
    writeln!(
        text,
        "{:11}{:>11}{:>13}",
        "A incorrect", pairs.only_b_correct, pairs.both_incorrect
    )
}

fn flips(text: &mut String, comparison: &Comparison) -> fmt::Result {
    let flipped = &comparison.flipped;
    if flipped.count == 0 {
        return writeln!(text, "\nAll predictions are equal.");
    }
    writeln!(
        text,
        "\nimages with different predictions: {}; the most confident ones first:",
        flipped.count
    )?;
    writeln!(text, "{:9}{:>15}{:>17}  image", "label", "A", "B")?;
    for flip in flipped.images.iter().take(MAX_LISTED) {
        let [confidence_a, confidence_b] = [flip.confidence_a, flip.confidence_b]
            .map(|confidence| format::percent(f64::from(confidence), 0));
        let [label, a, b] = [flip.label, flip.a, flip.b].map(Expression::label);
        writeln!(
            text,
            "{label:9}{a:>9}{confidence_a:>6}  {b:>9}{confidence_b:>6}  {}",
            flip.name
        )?;
    }
    Ok(())
}
