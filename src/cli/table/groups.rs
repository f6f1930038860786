//! Prints accuracies per group as text.

use std::fmt::{self, Write as _};

use mien_faces::report::{
    GroupingComparison, GroupingScores, WorstGroup,
    format::{self, interval, points},
};

use super::percent;

/// Formats the accuracy per group and the largest gap of each grouping.
pub(super) fn scores(text: &mut String, groupings: &[GroupingScores]) -> fmt::Result {
    let groups = groupings.iter().flat_map(|grouping| {
        let groups = grouping.groups.iter();
        groups.map(|group| (grouping.grouping.as_str(), group.group.as_str()))
    });
    let Some([first, second]) = widths(groups) else {
        return Ok(());
    };
    writeln!(
        text,
        "{:first$}  {:second$}{:>8}{:>10}  95 % interval",
        "grouping", "group", "images", "accuracy"
    )?;
    for GroupingScores {
        grouping,
        groups,
        largest_gap,
        ..
    } in groupings
    {
        for group in groups {
            let (name, score) = (&group.group, &group.score);
            let (total, accuracy) = (score.total, percent(score.accuracy));
            let interval = interval(score.interval);
            writeln!(
                text,
                "{grouping:first$}  {name:second$}{total:>8}{accuracy:>10}  {interval}"
            )?;
        }
        if let Some(gap) = largest_gap {
            let [low, high] = gap.interval.map(|bound| points(bound, 2));
            let (best, worst) = (&gap.best, &gap.worst);
            let difference = points(gap.difference, 2);
            writeln!(
                text,
                "{:first$}  largest gap: {best} minus {worst}, {difference} points, 95 % interval {low} to {high}",
                ""
            )?;
        }
    }
    writeln!(text)
}

/// Formats the difference per group and the group with the largest loss.
pub(super) fn differences(
    text: &mut String,
    groupings: &[GroupingComparison],
    largest_loss: Option<&WorstGroup>,
) -> fmt::Result {
    let groups = groupings.iter().flat_map(|grouping| {
        let groups = grouping.groups.iter();
        groups.map(|group| (grouping.grouping.as_str(), group.group.as_str()))
    });
    let Some([first, second]) = widths(groups) else {
        return Ok(());
    };
    writeln!(
        text,
        "\n{:first$}  {:second$}{:>8}{:>10}{:>10}{:>11}  95 % interval",
        "grouping", "group", "images", "A", "B", "B minus A"
    )?;
    for GroupingComparison { grouping, groups } in groupings {
        for group in groups {
            let (name, images) = (&group.group, group.images);
            let [a, b] = [group.accuracy_a, group.accuracy_b].map(|share| percent(Some(share)));
            let difference = points(group.difference, 2);
            let [low, high] = group.difference_interval.map(|bound| points(bound, 2));
            writeln!(
                text,
                "{grouping:first$}  {name:second$}{images:>8}{a:>10}{b:>10}{difference:>11}  {low} to {high}"
            )?;
        }
    }
    if let Some(WorstGroup { grouping, group }) = largest_loss {
        let (name, images) = (&group.group, format::images(group.images));
        let difference = points(group.difference, 2);
        writeln!(
            text,
            "largest loss: {name} of {grouping}, {difference} points on {images}"
        )?;
    }
    Ok(())
}

/// Returns the widths of the columns with the names of groupings and groups, or `None` without groups.
fn widths<'a>(groups: impl Iterator<Item = (&'a str, &'a str)>) -> Option<[usize; 2]> {
    let lengths =
        groups.map(|(grouping, group)| [grouping, group].map(|name| name.chars().count()));
    let longest = lengths.reduce(|[a, b], [c, d]| [a.max(c), b.max(d)])?;
    let headings = ["grouping".len(), "group".len()];
    Some([longest[0].max(headings[0]), longest[1].max(headings[1])])
}
