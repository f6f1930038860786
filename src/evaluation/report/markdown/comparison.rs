//! Two models' comparison as Markdown.

use std::fmt::{self, Write as _};

use mien_faces::{
    expression::Expression,
    report::{
        Comparison, Score,
        format::{count, interval, percent, points},
    },
};

use super::{heading, origin, plain, table};
use crate::evaluation::report::{Side, summary};

/// How many of the images that flipped are named.
const FLIPS: usize = 25;

/// The report of a comparison.
pub fn comparison(a: &Side, b: &Side, comparison: &Comparison) -> String {
    let mut text = String::new();
    write(&mut text, a, b, comparison).expect("a string takes everything");
    text
}

fn write(text: &mut String, a: &Side, b: &Side, found: &Comparison) -> fmt::Result {
    writeln!(text, "# A: {}, B: {}\n", plain(&a.name), plain(&b.name))?;
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
        &["", "right", "accuracy", "95 % interval"],
        [score("A", &found.a), score("B", &found.b)],
    )?;
    let pairs = &found.pairs;
    let rows = [
        ("A is right", [pairs.both_correct, pairs.only_a_correct]),
        ("A is wrong", [pairs.only_b_correct, pairs.both_incorrect]),
    ];
    let rows = rows.map(|(name, counts)| {
        [name.to_owned()]
            .into_iter()
            .chain(counts.map(count))
            .collect()
    });
    table(text, 1, &["", "B is right", "B is wrong"], rows)?;
    heading(text, "Recall of each expression")?;
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
        &["expression", "images", "A", "B", "B less A, points"],
        rows,
    )?;
    heading(
        text,
        &format!("Images that flipped: {}", count(found.flipped.count)),
    )?;
    let rows = found.flipped.images.iter().take(FLIPS).map(|flip| {
        let says = |label: Expression, confidence: f32| {
            format!("{label}, {}", percent(f64::from(confidence), 0))
        };
        let (a, b) = (
            says(flip.a, flip.confidence_a),
            says(flip.b, flip.confidence_b),
        );
        vec![plain(&flip.name), flip.label.to_string(), a, b]
    });
    table(text, 4, &["image", "is", "A says", "B says"], rows)?;
    for (name, side) in [("A", a), ("B", b)] {
        if let Some(subject) = &side.subject {
            origin(text, &format!("Where {name} comes from"), subject)?;
        }
    }
    Ok(())
}
