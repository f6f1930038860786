//! The comparison of two models in Markdown.

use std::fmt::{self, Write as _};

use mien_faces::{
    expression::Expression,
    report::{
        ClassDifference, Comparison, Flips, Pairs, Score,
        format::{count, interval, percent, points},
    },
};

use super::{
    groups, notice, origin,
    syntax::{escape, heading, table},
};
use crate::evaluation::report::{Side, summary};

/// Maximum number of changed predictions that are listed.
const MAX_CHANGED: usize = 25;

/// Renders the report of a comparison.
pub fn comparison(a: &Side, b: &Side, comparison: &Comparison) -> String {
    let mut text = String::new();
    write(&mut text, a, b, comparison).expect("writing to a string does not fail");
    text
}

fn write(text: &mut String, a: &Side, b: &Side, found: &Comparison) -> fmt::Result {
    writeln!(text, "# A: {}, B: {}\n", escape(&a.name), escape(&b.name))?;
    writeln!(
        text,
        "{}\n{}",
        summary::verdict(found),
        summary::evidence(found)
    )?;
    if let Some(loss) = summary::group_loss(found) {
        writeln!(text, "{}", escape(&loss))?;
    }
    scores(text, found)?;
    pairs(text, &found.pairs)?;
    recalls(text, &found.classes)?;
    groups::differences(text, &found.groups)?;
    flipped(text, &found.flipped)?;
    for (name, side) in [("A", a), ("B", b)] {
        if let Some(subject) = &side.subject {
            origin(text, &format!("Model and data of {name}"), subject)?;
        }
    }
    a.subject
        .as_ref()
        .map_or(Ok(()), |subject| notice(text, subject))
}

fn scores(text: &mut String, found: &Comparison) -> fmt::Result {
    let score = |name: &str, score: &Score| {
        vec![
            name.to_owned(),
            count(score.correct),
            percent(score.accuracy, 2),
            interval(score.interval),
        ]
    };
    table(
        text,
        1,
        &["", "correct", "accuracy", "95 % interval"],
        [score("A", &found.a), score("B", &found.b)],
    )
}

/// Writes how many images both models, one of them or none of them predict correctly.
fn pairs(text: &mut String, pairs: &Pairs) -> fmt::Result {
    let rows = [
        ("A is correct", [pairs.both_correct, pairs.only_a_correct]),
        (
            "A is incorrect",
            [pairs.only_b_correct, pairs.both_incorrect],
        ),
    ];
    let rows = rows.map(|(name, counts)| {
        [name.to_owned()]
            .into_iter()
            .chain(counts.map(count))
            .collect()
    });
    table(text, 1, &["", "B is correct", "B is incorrect"], rows)
}

fn recalls(text: &mut String, classes: &[ClassDifference]) -> fmt::Result {
    heading(text, "Recall by expression")?;
    let rows = classes.iter().map(|class| {
        let [a, b] = [class.recall_a, class.recall_b].map(|recall| percent(recall, 1));
        vec![
            class.label.to_string(),
            count(class.support),
            a,
            b,
            points(class.difference, 1),
        ]
    });
    table(
        text,
        1,
        &["expression", "images", "A", "B", "B − A, points"],
        rows,
    )
}

/// Writes the images with different predictions.
fn flipped(text: &mut String, flipped: &Flips) -> fmt::Result {
    let title = format!(
        "Images with different predictions: {}",
        count(flipped.count)
    );
    heading(text, &title)?;
    let rows = flipped.images.iter().take(MAX_CHANGED).map(|flip| {
        let prediction = |label: Expression, confidence: f32| {
            format!("{label}, {}", percent(f64::from(confidence), 0))
        };
        vec![
            escape(&flip.name),
            flip.label.to_string(),
            prediction(flip.a, flip.confidence_a),
            prediction(flip.b, flip.confidence_b),
        ]
    });
    table(
        text,
        4,
        &["image", "label", "prediction of A", "prediction of B"],
        rows,
    )
}
