//! The built-in groupings: brightness, contrast and blur of the evaluated faces in three groups each.
//!
//! The groups are terciles of the evaluated images, so they do not need thresholds that fit one data set only. They describe how
//! accuracy varies within a data set; the groups of two data sets have different ranges.

use super::{Group, Grouping, NO_GROUP};
use crate::image::FaceStatistics;

/// Names of the built-in groupings, in the order of reports.
pub const BUILT_IN: [&str; 3] = ["brightness", "contrast", "blur"];

/// Names of the groups of a built-in grouping, in ascending order of brightness, contrast or blur.
pub const LEVELS: [&str; 3] = ["low", "medium", "high"];

/// Returns the groupings [`BUILT_IN`] of images with these statistics.
pub fn built_in(statistics: &[FaceStatistics]) -> Vec<Grouping> {
    let grouping = |name, value: fn(&FaceStatistics) -> f32, is_ascending| {
        let values: Vec<f32> = statistics.iter().map(value).collect();
        of_values(name, &values, is_ascending)
    };
    let [brightness, contrast, blur] = BUILT_IN;
    vec![
        grouping(brightness, |face| face.brightness, true),
        grouping(contrast, |face| face.contrast, true),
        // The faces with the lowest variance of the Laplacian have the highest blur.
        grouping(blur, |face| face.sharpness, false),
    ]
}

/// Returns the position of a name among [`LEVELS`], or their number for another name.
pub(super) fn rank(group: &str) -> usize {
    let position = LEVELS.iter().position(|&level| level == group);
    position.unwrap_or(LEVELS.len())
}

/// Divides images into three groups by their values. Without ties the sizes differ by at most one. Images with equal values are in the
/// group of the first of these images. Groups without images are omitted.
fn of_values(name: &str, values: &[f32], is_ascending: bool) -> Grouping {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    if !is_ascending {
        order.reverse();
    }
    let mut levels = vec![0; values.len()];
    for (position, &image) in order.iter().enumerate() {
        let before = position.checked_sub(1).map(|before| order[before]);
        levels[image] = match before {
            Some(before) if values[before] == values[image] => levels[before],
            _ => position * LEVELS.len() / values.len(),
        };
    }
    let (mut groups, mut members) = (Vec::new(), vec![NO_GROUP; values.len()]);
    for (level, name) in LEVELS.into_iter().enumerate() {
        let images = || (0..values.len()).filter(|&image| levels[image] == level);
        let extremes = images().map(|image| values[image]).fold(None, extend);
        let (Some(range), Ok(index)) = (extremes, groups.len().try_into()) else {
            continue;
        };
        images().for_each(|image| members[image] = index);
        groups.push(Group {
            name: name.to_owned(),
            range: Some(range),
        });
    }
    Grouping {
        name: name.to_owned(),
        groups,
        members,
    }
}

/// Extends a range so that it contains a value.
fn extend(range: Option<[f32; 2]>, value: f32) -> Option<[f32; 2]> {
    let [low, high] = range.unwrap_or([value, value]);
    Some([low.min(value), high.max(value)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn levels(values: &[f32], is_ascending: bool) -> Vec<&'static str> {
        let grouping = of_values("x", values, is_ascending);
        let level = |image| LEVELS[rank(grouping.name_of(image).unwrap())];
        (0..values.len()).map(level).collect()
    }

    #[test]
    fn terciles_follow_values_and_blur_is_descending() {
        let statistics = [3.0, 1.0, 2.0].map(|value| FaceStatistics {
            brightness: value,
            contrast: 10.0 * value,
            sharpness: 100.0 * value,
        });
        let [brightness, contrast, blur] = built_in(&statistics).try_into().unwrap();
        for (grouping, name, expected) in [
            (&brightness, "brightness", ["high", "low", "medium"]),
            (&contrast, "contrast", ["high", "low", "medium"]),
            (&blur, "blur", ["low", "high", "medium"]),
        ] {
            assert_eq!(grouping.name(), name);
            let found = [0, 1, 2].map(|image| grouping.name_of(image).unwrap());
            assert_eq!(found, expected, "{name}");
        }
        let names: Vec<_> = blur.groups().iter().map(|g| (&*g.name, g.range)).collect();
        let range = |value| Some([value, value]);
        assert_eq!(
            names,
            [
                ("low", range(300.0)),
                ("medium", range(200.0)),
                ("high", range(100.0))
            ]
        );
    }

    #[test]
    fn equal_values_are_in_same_group() {
        assert_eq!(levels(&[5.0; 4], true), ["low"; 4]);
        // The second and third image tie across the limit of the first group.
        let tied = [1.0, 2.0, 2.0, 3.0, 4.0, 5.0];
        let expected = ["low", "low", "low", "medium", "high", "high"];
        assert_eq!(levels(&tied, true), expected);
        assert_eq!(levels(&[], true), Vec::<&str>::new());
        assert_eq!(levels(&[7.0], true), ["low"]);
        assert_eq!(levels(&[7.0, 8.0], true), ["low", "medium"]);
    }

    proptest! {
        #[test]
        fn groups_are_ordered_by_value(values in prop::collection::vec(0_u8..20, 0..60), is_ascending: bool) {
            let values: Vec<f32> = values.into_iter().map(f32::from).collect();
            let found = levels(&values, is_ascending);
            for (a, &left) in values.iter().zip(&found) {
                for (b, &right) in values.iter().zip(&found) {
                    prop_assert!(a != b || left == right);
                    let is_lower = if is_ascending { a < b } else { a > b };
                    prop_assert!(!is_lower || rank(left) <= rank(right));
                }
            }
        }

        #[test]
        fn sizes_differ_by_one_without_ties(count in 3_u16..200) {
            let values: Vec<f32> = (0..count).map(f32::from).collect();
            let found = levels(&values, true);
            let sizes = LEVELS.map(|level| found.iter().filter(|&&l| l == level).count());
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        }
    }
}
