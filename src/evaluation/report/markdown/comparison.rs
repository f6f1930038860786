//! The comparison of two models in Markdown.

use std::fmt::{self, Write as _};

use mien_faces::{
    expression::Expression,
    report::{
        Comparison, Score,
        format::{count, interval, percent, points},
    },
};

use super::{
    origin,
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
    )?;
    let pairs = &found.pairs;
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
    table(text, 1, &["", "B is correct", "B is incorrect"], rows)?;
    heading(text, "Recall by expression")?;
    let rows = found.classes.iter().map(|class| {
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
    )?;
    heading(
        text,
        &format!(
            "Images with different predictions: {}",
            count(found.flipped.count)
        ),
    )?;
    let rows = found.flipped.images.iter().take(MAX_CHANGED).map(|flip| {
        let prediction = |label: Expression, confidence: f32| {
            format!("{label}, {}", percent(f64::from(confidence), 0))
        };
        let (a, b) = (
            prediction(flip.a, flip.confidence_a),
            prediction(flip.b, flip.confidence_b),
        );
        vec![escape(&flip.name), flip.label.to_string(), a, b]
    });
    table(
        text,
        4,
        &["image", "label", "prediction of A", "prediction of B"],
        rows,
    )?;
    for (name, side) in [("A", a), ("B", b)] {
        if let Some(subject) = &side.subject {
            origin(text, &format!("Model and data of {name}"), subject)?;
        }
    }
    Ok(())
}
