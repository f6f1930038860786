//! Accuracies per group in Markdown.

use std::fmt::{self, Write as _};

use mien_faces::report::{
    GroupDifference, GroupScore, GroupingComparison, GroupingScores,
    format::{count, interval, percent, points},
};

use super::syntax::{escape, heading, table};
use crate::evaluation::report::summary;

/// Writes the accuracy per group and the largest gap of each grouping.
pub(super) fn scores(text: &mut String, groupings: &[GroupingScores]) -> fmt::Result {
    if groupings.is_empty() {
        return Ok(());
    }
    heading(text, "Accuracy by group")?;
    let row = |grouping: &str, group: &GroupScore| {
        let range = |[low, high]: [f32; 2]| format!("{low:.0} – {high:.0}");
        vec![
            escape(grouping),
            escape(&group.group),
            group.range.map(range).unwrap_or_default(),
            count(group.score.correct),
            count(group.score.total),
            percent(group.score.accuracy, 2),
            interval(group.score.interval),
        ]
    };
    let rows = groupings.iter().flat_map(|grouping| {
        let groups = grouping.groups.iter();
        groups.map(move |group| row(&grouping.grouping, group))
    });
    let columns = [
        "grouping",
        "group",
        "values",
        "correct",
        "images",
        "accuracy",
        "95 % interval",
    ];
    table(text, 2, &columns, rows)?;
    writeln!(text)?;
    for sentence in groupings.iter().filter_map(summary::gap) {
        writeln!(text, "{}", escape(&sentence))?;
    }
    Ok(())
}

/// Writes the difference per group.
pub(super) fn differences(text: &mut String, groupings: &[GroupingComparison]) -> fmt::Result {
    if groupings.is_empty() {
        return Ok(());
    }
    heading(text, "Accuracy by group")?;
    let row = |grouping: &str, group: &GroupDifference| {
        let [a, b] = [group.accuracy_a, group.accuracy_b].map(|share| percent(share, 1));
        let [low, high] = group.difference_interval.map(|bound| points(bound, 1));
        vec![
            escape(grouping),
            escape(&group.group),
            count(group.images),
            a,
            b,
            points(group.difference, 1),
            format!("{low} to {high}"),
        ]
    };
    let rows = groupings.iter().flat_map(|grouping| {
        let groups = grouping.groups.iter();
        groups.map(move |group| row(&grouping.grouping, group))
    });
    let columns = [
        "grouping",
        "group",
        "images",
        "A",
        "B",
        "B − A, points",
        "95 % interval",
    ];
    table(text, 2, &columns, rows)
}
