//! Accuracies per group.

use maud::{Markup, html};
use mien_faces::report::{
    GroupDifference, GroupScore, GroupingComparison, GroupingScores, MIN_GROUP_IMAGES,
    format::{count, percent, points},
};

use super::score_cells;
use crate::evaluation::report::{
    charts::Scale,
    components::{no_break_percent, table, table_head},
    summary,
};

/// The accuracy per group and the largest gap of each grouping.
pub(super) fn scores(groupings: &[GroupingScores]) -> Markup {
    let groups = groupings.iter().flat_map(|grouping| &grouping.groups);
    let scale = Scale::of(groups.filter_map(|group| group.score.interval));
    let head = table_head(
        &["Grouping", "Group"],
        &["Correct", "Images", "Accuracy", "95 % interval", ""],
    );
    let rows = html! {
        @for GroupingScores { grouping, groups, .. } in groupings {
            tbody {
                @for (index, group) in groups.iter().enumerate() {
                    tr {
                        (grouping_cell(grouping, index, groups.len()))
                        (score(group, &scale))
                    }
                }
            }
        }
        tfoot { tr { td colspan="6" {} td.plot { (scale.axis(|tick| format!("{tick} %"))) } } }
    };
    html! {
        (table("Accuracy by group", &head, &rows))
        @for sentence in groupings.iter().filter_map(summary::gap) {
            p.note { (no_break_percent(&sentence)) }
        }
        p.note {
            "Groups of fewer than " (MIN_GROUP_IMAGES) " images do not take part in gaps. The intervals of gaps are those of Newcombe for independent \
            proportions (1998, method 10). The largest of several differences is biased upwards, and more so with more groups. The groups low, medium \
            and high of brightness, contrast and blur are terciles of the evaluated images. The numbers next to these names are the minimum and maximum of \
            the mean gray level, of the standard deviation of the gray levels, and of the variance of the Laplacian, which is low for blurred faces."
        }
    }
}

/// The heading of the rows of a grouping, which is in its first row.
fn grouping_cell(grouping: &str, index: usize, rows: usize) -> Markup {
    html! {
        @if index == 0 { th scope="rowgroup" rowspan=(rows) { (grouping) } }
    }
}

fn score(group: &GroupScore, scale: &Scale) -> Markup {
    html! {
        th.group scope="row" {
            (group.group)
            @if let Some([low, high]) = group.range { " " small { (format!("{low:.0} – {high:.0}")) } }
        }
        (score_cells(&group.score, scale))
    }
}

/// The difference per group. `tick` formats a grid line of the scale in percentage points.
pub(super) fn differences(groupings: &[GroupingComparison], tick: fn(i32) -> String) -> Markup {
    let groups = groupings.iter().flat_map(|grouping| &grouping.groups);
    let around_zero = |[low, high]: [f64; 2]| [low.min(0.0), high.max(0.0)];
    let scale = Scale::of(groups.map(|group| around_zero(group.difference_interval)));
    let head = table_head(&["Grouping", "Group"], &["Images", "A", "B", "B − A", ""]);
    let rows = html! {
        @for GroupingComparison { grouping, groups } in groupings {
            tbody {
                @for (index, group) in groups.iter().enumerate() {
                    tr {
                        (grouping_cell(grouping, index, groups.len()))
                        (difference(group, &scale))
                    }
                }
            }
        }
        tfoot { tr { td colspan="6" {} td.plot { (scale.axis(tick)) } } }
    };
    html! {
        (table("Accuracy by group", &head, &rows))
        p.note {
            "The groups are those of the evaluation B, or those of A if B does not have groups. The largest of several losses is biased upwards, and more \
            so with more groups."
        }
    }
}

fn difference(group: &GroupDifference, scale: &Scale) -> Markup {
    html! {
        th.group scope="row" { (group.group) }
        td.number { (count(group.images)) }
        td.number { (percent(group.accuracy_a, 1)) }
        td.number { (percent(group.accuracy_b, 1)) }
        td.number { (points(group.difference, 1)) }
        td.plot { (scale.whisker(group.difference, group.difference_interval)) }
    }
}
